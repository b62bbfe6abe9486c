//! Tables for [`super::shell`], and the proof that matters: `sh` itself reads what was rendered.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use super::placeholder::{Input, Part};
use super::shell::{AppendError, Lost, RenderError, ShellError, ShellTemplate};
use super::spelling::Spelling;

/// Inputs that break out of careless quoting, and bytes that shells use internally.
const NASTY: &[&[u8]] = &[
    b"",
    b"plain",
    b"a b",
    b" a  b ",
    b"a'b",
    b"'",
    b"''",
    b"'; echo PWNED; '",
    b"\"; echo PWNED; \"",
    b"'\"'\"; echo PWNED #",
    b"$(echo PWNED)",
    b"`echo PWNED`",
    b"\\",
    b"\\\\",
    b"\\'",
    b"a\\",
    b"$HOME ${HOME} $$",
    b"a\nb",
    b"\n",
    b"a\n\n",
    b"; echo PWNED",
    b"| & < > ( )",
    b"* ? [a-z] ~ ~root",
    b"#x",
    b"-rf",
    b"-n",
    b"--",
    b"{} {1} {2} {#}",
    b"{a,b}",
    b"%s %d \\n",
    b"!x",
    b"\t\r\x0b\x0c",
    b"\x01\x02\x7f\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x9f",
    b"\xff\xfe\xc3(",
    "é ü 日本".as_bytes(),
    b"x\xe3",
    b"EOF",
    b"esac)",
    b"esac",
    b"if",
    b"2",
    b"a/b-c.d",
];

fn template(text: &[u8]) -> ShellTemplate {
    ShellTemplate::new(text, &Spelling::default(), false)
        .unwrap_or_else(|error| panic!("{}: {error}", text.escape_ascii()))
}

fn render(text: &[u8], input: &[u8]) -> Vec<u8> {
    template(text).render(&Input { fields: &[input], id: 41, slot: 3 }).expect("renders")
}

/// What `sh -c` prints for a text; errors of the shell fail the test.
fn sh(text: &[u8]) -> Vec<u8> {
    let output = Command::new("sh")
        .arg("-c")
        .arg(OsStr::from_bytes(text))
        .env("v", "value")
        .stdin(Stdio::null())
        .output()
        .expect("sh starts");
    let stderr = output.stderr.escape_ascii();
    assert!(output.status.success() && output.stderr.is_empty(), "{}: {stderr}", text.escape_ascii());
    output.stdout
}

/// Runs `text` for every nasty input; `expected` has `@` where the input shows.
fn check(text: &[u8], expected: &[u8]) {
    let template = template(text);
    for input in NASTY {
        let rendered = template.render(&Input { fields: &[input], id: 41, slot: 3 }).expect("renders");
        let wanted = expected.split(|&b| b == b'@').collect::<Vec<_>>().join(*input);
        assert_eq!(
            sh(&rendered).escape_ascii().to_string(),
            wanted.escape_ascii().to_string(),
            "{} with {}",
            text.escape_ascii(),
            input.escape_ascii()
        );
    }
}

#[test]
fn outside_quotes_an_input_is_one_word() {
    check(b"printf '<%s>' {}", b"<@>");
    check(b"printf '<%s>' a{}b {} c", b"<a@b><@><c>");
    check(b"x={}; printf '<%s>' \"$x\"", b"<@>");
    check(b"printf '<%s>' 'a b'{}\"c d\"", b"<a b@c d>");
    check(b"printf '<%s>' $v{}", b"<value@>");
    check(b"printf '<%s>' ${v}{}${v%ue}", b"<value@val>");
    check(b"printf '<%s>' a\\ {}", b"<a @>");
    check(b"printf '<%s>' \\\\{}", b"<\\@>");
    check(b"printf '<%s>' \\\n{}", b"<@>");
    check(b"case {} in {}) printf '<%s>' {};; esac", b"<@>");
    check(b"(printf '<%s>' {}) | cat", b"<@>");
    check(b"f() { printf '<%s>' \"$1\"; }; f {}", b"<@>");
    check(b"printf '<%s>' a {}>&1", b"<a><@>");
}

#[test]
fn plain_inputs_have_no_quotes_where_that_is_the_same() {
    for (text, input, expected) in [
        ("exit {}", "1", "exit 1"),
        ("pre-{}-post; x={} y", "a", "pre-a-post; x=a y"),
        ("{} x", "ls", "ls x"),
        ("{} x", "if", "'if' x"),
        ("i{} x", "f", "i'f' x"),
        ("echo {}>f", "2", "echo '2'>f"),
        ("echo {}{}", "a", "echo 'a''a'"),
        ("echo $v{} ~{}", "a", "echo $v'a' ~'a'"),
        ("echo {} \\\n{}", "a", "echo a \\\n'a'"),
        ("echo {}", "a b", "echo 'a b'"),
        ("echo {}", "", "echo ''"),
    ] {
        let rendered = render(text.as_bytes(), input.as_bytes());
        assert_eq!(String::from_utf8_lossy(&rendered), expected);
    }
}

#[test]
fn inside_single_quotes() {
    check(b"printf '<%s>' '{}'", b"<@>");
    check(b"printf '<%s>' 'a {} \"b\" \\'", b"<a @ \"b\" \\>");
    check(b"printf '<%s>' 'it'\\''s {}'", b"<it's @>");
    check(b"printf '<%s>' '#{}'", b"<#@>");
}

#[test]
fn inside_double_quotes() {
    check(b"printf '<%s>' \"{}\"", b"<@>");
    check(b"printf '<%s>' \"a {} b'{}'\"", b"<a @ b'@'>");
    check(b"printf '<%s>' \"$v{}$v\"", b"<value@value>");
    check(b"printf '<%s>' \"\\{}\"", b"<\\@>");
    check(b"printf '<%s>' \"\\\\{}\"", b"<\\@>");
    check(b"printf '<%s>' \"\\\"{}\\\"\"", b"<\"@\">");
    check(b"printf '<%s>' \"\\a\\{}\"", b"<\\a\\@>");
    check(b"printf '<%s>' \"$'{}'\"", b"<$'@'>");
    check(b"printf '<%s>' \"a\\\n{}\"", b"<a@>");
    check(b"printf '<%s>' \"${v}#{}\"", b"<value#@>");
}

#[test]
fn inside_substitutions() {
    // The dots keep the newlines that a substitution would drop.
    check(b"printf '<%s>' \"$(printf '%s.' {})\"", b"<@.>");
    check(b"printf '<%s>' \"$(printf '%s.' \"{}\")\"", b"<@.>");
    check(b"printf '<%s>' \"a $(printf '%s.' '{}') {}\"", b"<a @. @>");
    check(b"printf '<%s>' \"$(printf '%s.' \"$(printf '%s.' {})\" {})\"", b"<@..@.>");
    check(b"x=$(printf '%s.' {}); printf '<%s>' \"$x\"", b"<@.>");
    check(b"printf '<%s>' \"$( (printf '%s.' {}) ) {}\"", b"<@. @>");
    check(b"printf '<%s>' \"$(printf '%s.' a # ) ' \"\n) {}\"", b"<a. @>");
    check(b"printf '<%s>' \"$(printf '%s.' $#)\" {}", b"<0.><@>");
}

#[test]
fn comments_and_escaped_braces_stay() {
    check(b"# {} ' \" $( `\nprintf '<%s>' {} # {} {2}", b"<@>");
    check(b"printf '<%s>' a#{}", b"<a#@>");
    check(b"printf '<%s>' \\{} \\{}{}", b"<{}><{}@>");
    check(b"set -- a b; printf '<%s>' ${1} ${2} ${#} {}", b"<a><b><2><@>");
    assert!(!template(b"a # {}").has_placeholder());
    assert!(!template(b"a \\{}").has_placeholder());
}

#[test]
fn the_other_kinds_are_filled_in_too() {
    let printed = sh(&render(b"printf '<%s>' {.} {/} {//} {/.} {#} {%} {1} {1/.}", b"d d/e'e.f"));
    assert_eq!(String::from_utf8_lossy(&printed), "<d d/e'e><e'e.f><d d><e'e><41><3><d d/e'e.f><e'e>");
    // Unquoted, the number would become the redirected descriptor.
    assert_eq!(sh(&render(b"printf '<%s>' {%}>&1", b"")), b"<3>");
}

#[test]
fn arithmetic_takes_numbers_only() {
    for (text, input, expected) in [
        (b"echo $(({}*2))".as_slice(), b"21".as_slice(), b"42\n".as_slice()),
        (b"echo $((3-{}))", b"-4", b"7\n"),
        (b"echo $(( {} % 4 + ({#} - {%}) ))", b"7", b"41\n"),
        (b"x=5; echo \"$(($x + {}))\" {}", b"1", b"6 1\n"),
        (b"echo $(( ({%}-1) ))", b"not looked at", b"2\n"),
        (b"echo $((1<<2)) {}", b"a b", b"4 a b\n"),
    ] {
        assert_eq!(sh(&render(text, input)), expected, "{}", text.escape_ascii());
    }
    for input in [b"".as_slice(), b"-", b"a", b"1 ", b"1+1", b"a[$(x)]", b"--1", b"1\n", b"0x1", b"'"] {
        let error =
            template(b"echo $(({}))").render(&Input { fields: &[input], id: 1, slot: 1 }).unwrap_err();
        assert_eq!(error, RenderError::NotANumber { value: input.to_vec() });
    }
}

#[test]
fn a_nul_byte_fails_the_task_where_it_would_be_inserted() {
    let input = Input { fields: &[b"a\0/b"], id: 1, slot: 1 };
    assert_eq!(template(b"echo '{}'").render(&input), Err(RenderError::Nul { at: 1 }));
    assert_eq!(template(b"echo {/}").render(&input), Ok(b"echo b".to_vec()));
    let message = RenderError::Nul { at: 1 }.to_string();
    assert_eq!(message, "the input contains a NUL byte (byte 2), which no program can receive");
}

#[test]
fn what_cannot_be_followed_is_refused() {
    for (text, at, lost, lost_at) in [
        (b"echo `date {}`".as_slice(), 11, Lost::Backtick, 5),
        (b"echo `date` {}", 12, Lost::Backtick, 5),
        (b"echo \"`date`\" {}", 14, Lost::Backtick, 6),
        (b"cat <<E\n{}\nE", 8, Lost::HereDocument, 4),
        (b"cat <<E\n'\nE\necho {}", 17, Lost::HereDocument, 4),
        (b"cat <\\\n<E\n{}\nE", 10, Lost::Continuation, 4),
        (b"cat <<<{}", 7, Lost::HereDocument, 4),
        (b"echo $(case x in x) echo {};; esac)", 25, Lost::CaseInSubstitution, 11),
        (b"echo \"$(case x in x) echo ;; esac)\" {}", 36, Lost::CaseInSubstitution, 12),
        (b"echo $(ca\\\nse x in x) ;; esac) {}", 31, Lost::Continuation, 9),
        (b"echo ${v:-'x'} {}", 15, Lost::Parameter, 5),
        (b"echo ${v:-{}}", 10, Lost::Parameter, 5),
        (b"echo ${v:-$(x)} {}", 16, Lost::Parameter, 5),
        (b"echo ${ x; } {}", 13, Lost::Parameter, 5),
        (b"echo $((\"1\")) {}", 14, Lost::Arithmetic, 8),
        (b"echo $((a) ) {}", 13, Lost::Arithmetic, 9),
        (b"echo $((a[{}]))", 10, Lost::Arithmetic, 9),
        (b"(({} > 1))", 2, Lost::Arithmetic, 0),
        (b"echo $[{}]", 7, Lost::Arithmetic, 5),
        (b"echo $'\\'' {}", 11, Lost::DollarQuote, 5),
        (b"echo \"$${{}}\"", 9, Lost::DoubleDollar, 6),
        (b"v=({})", 3, Lost::Parenthesis, 2),
        (b"v=\\\n({})", 5, Lost::Parenthesis, 4),
        (b"echo a(b) {}", 10, Lost::Parenthesis, 6),
        (b"echo $${}", 7, Lost::DoubleDollar, 5),
        (b"echo $\\\n(x) {}", 12, Lost::Continuation, 5),
        (b"echo \"$\\\n(x)\" {}", 14, Lost::Continuation, 6),
        (b"echo $(\\\n(1)) {}", 14, Lost::Continuation, 5),
    ] {
        match ShellTemplate::new(text, &Spelling::default(), false) {
            Err(ShellError::Unsafe { at: found, lost: why, lost_at: whence, .. }) => {
                assert_eq!((found, why, whence), (at, lost, lost_at), "{}", text.escape_ascii());
            }
            other => panic!("{}: {other:?}", text.escape_ascii()),
        }
    }
}

#[test]
fn what_cannot_be_followed_is_fine_behind_the_last_placeholder() {
    check(b"printf '<%s>' {}; : `true` ${v:-'x'} $(($(echo 1)))", b"<@>");
    check(b"printf '<%s>' {} $(case x in x) echo y;; esac)", b"<@><y>");
    check(b"printf '<%s>' {}; cat <<'E'\n${1} ' \" ${#}\nE\n", b"<@>${1} ' \" ${#}\n");
}

#[test]
fn other_errors_with_their_offsets() {
    for (text, message) in [
        (
            b"echo ${}".as_slice(),
            "`{}` at byte 7 stands directly after a dollar sign and would name a variable: \
          put the dollar sign in single quotes, or assign x={} in front and use \"$x\"",
        ),
        (
            b"echo $((x{%}))",
            "`{%}` at byte 10 continues a name or number inside $((...)): \
          put an operator or a space between them",
        ),
        (
            b"echo '{2}'",
            "`{2}` asks for input 2, but a task has one input: use {} or {1}; \
          if it belongs to a regular expression, write {2,2} (byte 7 of the command)",
        ),
        (b"echo 'a", "the single quote at byte 6 is never closed: close it, or quote it"),
        (b"echo \"a $(b)", "the double quote at byte 6 is never closed: close it, or quote it"),
        (b"echo $(a (b)", "the $( at byte 6 is never closed: close it, or quote it"),
        (b"echo $((1", "the $(( at byte 6 is never closed: close it, or quote it"),
        (b"echo \\", "the backslash at byte 6 has nothing to escape: remove it"),
        (b"echo \0", "a NUL byte at byte 6 cannot be passed to sh: remove it"),
        (
            b"cat <<E\n{}\nE",
            "`{}` at byte 9 cannot be filled in safely: it stands in or after a here-document \
          (use \"$DIVVY_INPUT\" in it, or printf '%s' {} | ...) at byte 5",
        ),
    ] {
        match ShellTemplate::new(text, &Spelling::default(), false) {
            Err(error) => assert_eq!(error.to_string(), message),
            Ok(_) => panic!("{}", text.escape_ascii()),
        }
    }
}

#[test]
fn append_input_makes_an_argument_of_it() {
    for (text, expected) in [
        (b"printf '<%s>'".as_slice(), b"<@>".as_slice()),
        (b"printf '<%s>' \n\t\n ", b"<@>"),
        (b"true; printf '<%s>' a", b"<a><@>"),
        (b"# first\nprintf '<%s>' \"$(echo a; )\"", b"<a><@>"),
        (b"printf '<%s>' \\ ", b"< ><@>"),
        (b"printf '<%s>' \\{}", b"<{}><@>"),
    ] {
        let mut template = template(text);
        assert!(!template.has_placeholder());
        template.append_input().unwrap_or_else(|error| panic!("{}: {error}", text.escape_ascii()));
        assert!(template.has_placeholder());
        for input in NASTY {
            let rendered = template.render(&Input { fields: &[input], id: 41, slot: 3 }).expect("renders");
            assert_eq!(sh(&rendered), expected.split(|&b| b == b'@').collect::<Vec<_>>().join(*input));
        }
    }
}

#[test]
fn append_input_refuses_where_the_input_would_run() {
    for (text, error) in [
        (b"echo a;".as_slice(), AppendError::AfterOperator(b';')),
        (b"echo a &\n", AppendError::AfterOperator(b'&')),
        (b"echo a |", AppendError::AfterOperator(b'|')),
        (b"(echo a)", AppendError::AfterOperator(b')')),
        (b"echo a # note", AppendError::AfterComment),
        (b"echo a\n# note\n", AppendError::AfterComment),
        (b"", AppendError::NoCommand),
        (b" \n", AppendError::NoCommand),
        (b"cat <<E\nx\nE\n", AppendError::Unknown(Lost::HereDocument)),
        (b"echo `date`", AppendError::Unknown(Lost::Backtick)),
        (b"echo \"$(case;x)\"", AppendError::Unknown(Lost::CaseInSubstitution)),
    ] {
        let mut template = template(text);
        let before = template.clone();
        assert_eq!(template.append_input(), Err(error), "{}", text.escape_ascii());
        assert_eq!(template, before);
    }
}

fn render_fields(text: &[u8], fields: &[&[u8]], repeat: bool) -> Vec<u8> {
    let spelling = Spelling { fields: None, ..Spelling::default() };
    let template = ShellTemplate::new(text, &spelling, repeat)
        .unwrap_or_else(|error| panic!("{}: {error}", text.escape_ascii()));
    template.render(&Input { fields, id: 41, slot: 3 }).expect("renders")
}

#[test]
fn several_fields_are_several_words_outside_quotes_and_one_inside() {
    let fields: &[&[u8]] = &[b"it's", b"a b"];
    for (text, expected) in [
        (b"printf '<%s>' {}".as_slice(), b"<it's><a b>".as_slice()),
        (b"printf '<%s>' x{}y", b"<xit's><a by>"),
        (b"printf '<%s>' '{}' \"{}\"", b"<it's a b><it's a b>"),
        (b"printf '<%s>' {2} \"{1}{-1}\" {5}", b"<a b><it'sa b>"),
        (b"v={} w=$(:){} ; printf '<%s>' \"$v\" \"$w\"", b"<it's a b><it's a b>"),
    ] {
        assert_eq!(sh(&render_fields(text, fields, false)), expected, "{}", text.escape_ascii());
    }
    assert_eq!(render_fields(b"echo {}x", &[], false), b"echo x");
}

#[test]
fn a_word_that_shows_all_fields_is_repeated_if_asked_for() {
    let fields: &[&[u8]] = &[b"it's", b"a b"];
    for (text, expected) in [
        (b"printf '<%s>' {} -".as_slice(), b"<it's><a b><->".as_slice()),
        (b"printf '<%s>' x{}y{1}", b"<xit'syit's><xa byit's>"),
        (b"printf '<%s>' \"<{}>\"'{}' {2}", b"<<it's>it's><<a b>a b><a b>"),
        (b"printf '<%s>' \"$(printf '[%s]' .{})\"", b"<[.it's][.a b]>"),
        // The end of the outer word is not a whole one.
        (b"printf '<%s>' \"$(:) {}\"", b"< it's a b>"),
        (b"printf '<%s>' a{}$(printf b)", b"<ait's><a bb>"),
    ] {
        assert_eq!(sh(&render_fields(text, fields, true)), expected, "{}", text.escape_ascii());
    }
}

#[test]
fn renamed_placeholders_may_be_anything() {
    for (written, text, expected) in [
        (",,", "printf '<%s>' ,, \"a,,\" '{},,'", "<it's><ait's><{}it's>"),
        ("$x", "printf '<%s>' $x \"$x\"", "<it's><it's>"),
        ("#", "printf '<%s>' # a#", "<it's><ait's>"),
        (";", "printf '<%s>' ;", "<it's>"),
    ] {
        let renamed = vec![(Part::Whole, written.as_bytes().to_vec())];
        let spelling = Spelling { renamed, ..Spelling::default() };
        let template = ShellTemplate::new(text.as_bytes(), &spelling, false).expect("a good template");
        let text = template.render(&Input { fields: &[b"it's"], id: 41, slot: 3 }).expect("renders");
        assert_eq!(String::from_utf8(sh(&text)).expect("text"), expected, "{written}");
        for unsafe_text in [format!("echo ${written}"), format!("echo \"${written}\"")] {
            assert!(ShellTemplate::new(unsafe_text.as_bytes(), &spelling, false).is_err(), "{unsafe_text}");
        }
    }
}
