//! Tables for [`super::template`].

use super::placeholder::Input;
use super::template::Template;

const NASTY: &[&[u8]] = &[
    b"a'b",
    b"a b",
    b"-rf",
    b"$(x)",
    b"a\nb",
    b"",
    b"\xff\xfe",
    b"{}",
    b"{2}",
    b"`x`",
    b"a\"b\\",
    b"*",
    b"\x01\x7f",
];

fn render(words: &[&[u8]], input: &[u8]) -> Vec<Vec<u8>> {
    Template::new(words).expect("a good template").render(&Input { input, id: 41, slot: 3 })
}

#[test]
fn replaces_every_kind_wherever_it_stands() {
    assert_eq!(
        render(
            &[
                b"c",
                b"{}",
                b"x{.}y",
                b"{/}{//}",
                b"{/.}.png",
                b"{#}-{%}",
                b"plain",
                b"",
                b"{1}{1.}{1/}{1//}{1/.}"
            ],
            b"d/e.f",
        ),
        [b"c".as_slice(), b"d/e.f", b"xd/ey", b"e.fd", b"e.png", b"41-3", b"plain", b"", b"d/e.fd/ee.fde",],
    );
    assert_eq!(render(&[b"{}"], b"prog"), [b"prog"], "the input may be the program");
}

#[test]
fn inputs_arrive_untouched_and_are_not_read_again() {
    for input in NASTY {
        assert_eq!(
            render(&[b"c", b"{}", b"<{}>"], input),
            [b"c".to_vec(), input.to_vec(), [b"<", *input, b">"].concat()]
        );
    }
}

#[test]
fn other_braces_stay() {
    for word in [b"{".as_slice(), b"}", b"{a}", b"{a,b}", b"{ }", b"${", b"{1,2}", b"{\xff}", b"{\"a\": 1}"] {
        let template = Template::new(&[b"c".as_slice(), word]).expect("a good template");
        assert!(!template.uses_input());
        assert_eq!(template.render(&Input { input: b"x", id: 1, slot: 1 })[1], word);
    }
    assert_eq!(render(&[b"c", b"{{}}"], b"x")[1], b"{x}");
}

#[test]
fn uses_input_is_about_the_input_only() {
    let uses = |word: &[u8]| Template::new(&[b"c", word]).expect("a good template").uses_input();
    for word in ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{-1}", "x{}y"] {
        assert!(uses(word.as_bytes()), "{word}");
    }
    for word in ["", "x", "{#}", "{%}", "{#}{%}", "{x}"] {
        assert!(!uses(word.as_bytes()), "{word}");
    }
}

#[test]
fn append_input_adds_one_word() {
    let mut template = Template::new(&["echo", "{#}"]).expect("a good template");
    template.append_input();
    assert!(template.uses_input());
    assert_eq!(template.render(&Input { input: b"a b", id: 1, slot: 1 }), [b"echo".as_slice(), b"1", b"a b"]);
}

#[test]
fn buffers_are_reused_and_leave_no_trace() {
    let long = Template::new(&["echo", "{}", "{}"]).expect("a good template");
    let short = Template::new(&["echo", "{}"]).expect("a good template");
    let mut words = Vec::new();
    long.render_into(&Input { input: b"a long input", id: 1, slot: 1 }, &mut words);
    let buffer = words[1].as_ptr();
    short.render_into(&Input { input: b"b", id: 2, slot: 1 }, &mut words);
    assert_eq!(words, [b"echo".as_slice(), b"b"]);
    assert_eq!(words[1].as_ptr(), buffer);
}

#[test]
fn numbers_beyond_one_are_refused_with_their_place() {
    for (words, message) in [
        (
            ["echo", "a{2}"],
            "`{2}` asks for input 2, but a task has one input: use {} or {1}; \
             if it belongs to a regular expression, write {2,2} (byte 2 of argument 1)",
        ),
        (
            ["{3/.}", "a"],
            "`{3/.}` asks for input 3, but a task has one input: use {} or {1} (byte 1 of the command's name)",
        ),
    ] {
        assert_eq!(Template::new(&words).unwrap_err().to_string(), message);
    }
    for word in ["{0}", "{-2}", "{2.}", "{2//}", "{99999999999999999999}", "{}{2}"] {
        assert!(Template::new(&["echo", word]).is_err(), "{word}");
    }
}
