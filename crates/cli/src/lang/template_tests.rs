//! Tables for [`super::template`].

use super::placeholder::Input;
use super::spelling::Spelling;
use super::template::{Template, TemplateError};

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

fn parse<W: AsRef<[u8]>>(words: &[W]) -> Result<Template, TemplateError> {
    Template::new(words, &Spelling::default(), false)
}

fn render(words: &[&[u8]], input: &[u8]) -> Vec<Vec<u8>> {
    parse(words).expect("a good template").render(&Input { fields: &[input], id: 41, slot: 3 })
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
        let template = parse(&[b"c".as_slice(), word]).expect("a good template");
        assert!(!template.has_placeholder());
        assert_eq!(template.render(&Input { fields: &[b"x"], id: 1, slot: 1 })[1], word);
    }
    assert_eq!(render(&[b"c", b"{{}}"], b"x")[1], b"{x}");
}

#[test]
fn any_placeholder_takes_the_place_of_an_appended_input() {
    let has = |word: &[u8]| parse(&[b"c", word]).expect("a good template").has_placeholder();
    for word in ["{}", "{.}", "{/}", "{//}", "{/.}", "{1}", "{-1}", "x{}y", "{#}", "{%}"] {
        assert!(has(word.as_bytes()), "{word}");
    }
    for word in ["", "x", "{x}"] {
        assert!(!has(word.as_bytes()), "{word}");
    }
}

#[test]
fn append_input_adds_one_word() {
    let mut template = parse(&["echo", "{#}"]).expect("a good template");
    template.append_input();
    assert!(template.has_placeholder());
    assert_eq!(
        template.render(&Input { fields: &[b"a b"], id: 1, slot: 1 }),
        [b"echo".as_slice(), b"1", b"a b"]
    );
}

/// What several fields make of these words.
fn render_fields(words: &[&str], fields: &[&[u8]], repeat: bool) -> Vec<String> {
    let spelling = Spelling { fields: None, ..Spelling::default() };
    let template = Template::new(words, &spelling, repeat).expect("a good template");
    let words = template.render(&Input { fields, id: 41, slot: 3 });
    words.into_iter().map(|word| String::from_utf8(word).expect("text")).collect()
}

#[test]
fn a_placeholder_alone_is_a_word_for_each_field() {
    let fields: &[&[u8]] = &[b"a b.c", b"", b"d/e.f"];
    assert_eq!(render_fields(&["c", "{}", "z"], fields, false), ["c", "a b.c", "", "d/e.f", "z"]);
    assert_eq!(render_fields(&["{/.}"], fields, false), ["a b", "", "e"]);
    assert_eq!(
        render_fields(&["c", "{2}{3/}", "{-1}", "{9}", "{1}"], fields, false),
        ["c", "e.f", "d/e.f", "a b.c"]
    );
    assert_eq!(render_fields(&["c", "{}"], &[], false), ["c"], "no field is no word");
}

#[test]
fn within_a_word_fields_stand_side_by_side_or_the_word_is_repeated() {
    let fields: &[&[u8]] = &[b"1.a", b"2.b"];
    assert_eq!(render_fields(&["x{}y{.}", "{#}"], fields, false), ["x1.a 2.by1 2", "41"]);
    assert_eq!(render_fields(&["x{}y{.}", "{#}"], fields, true), ["x1.ay1", "x2.by2", "41"]);
    assert_eq!(render_fields(&["{}-{1}", "{2}"], fields, true), ["1.a-1.a", "2.b-1.a", "2.b"]);
    assert_eq!(render_fields(&["x{}"], &[], false), ["x"]);
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
        assert_eq!(parse(&words).unwrap_err().to_string(), message);
    }
    for word in ["{0}", "{-2}", "{2.}", "{2//}", "{99999999999999999999}", "{}{2}"] {
        assert!(parse(&["echo", word]).is_err(), "{word}");
    }
}
