//! What a handler may say, what it may not, and that the fast reader and serde agree.

use super::*;
use divvy_core::Rng;

fn said(line: &str) -> Vec<Answer<'_>> {
    let mut answers = Vec::new();
    read(line.as_bytes(), &mut answers).unwrap_or_else(|why| panic!("{line}: {why}"));
    answers
}

fn wrong(line: &[u8]) -> String {
    let mut answers = Vec::new();
    let why = read(line, &mut answers).expect_err(&String::from_utf8_lossy(line));
    assert!(answers.is_empty(), "nothing of a wrong line counts");
    why
}

fn ended<'a>(task: u64, output: Option<&'a [u8]>, error: Option<&'a str>) -> Answer<'a> {
    Answer::Ended { task, output: output.map(Cow::Borrowed), error: error.map(Cow::Borrowed) }
}

#[test]
fn every_form_of_an_answer() {
    assert_eq!(said(r#"{"task":1}"#), [Answer::Done(1, 1)]);
    assert_eq!(said(r#"{"task": 1}"#), [Answer::Done(1, 1)]);
    assert_eq!(said(r#" { "task" : 1 } "#), [Answer::Done(1, 1)]);
    assert_eq!(said(r#"{"task":1,"output":"a b"}"#), [ended(1, Some(b"a b"), None)]);
    assert_eq!(said(r#"{"output":"a\n\u00e9","task":1}"#), [ended(1, Some("a\né".as_bytes()), None)]);
    assert_eq!(said(r#"{"task":1,"output_b64":"//4="}"#), [ended(1, Some(b"\xff\xfe"), None)]);
    assert_eq!(said(r#"{"task":1,"error":"why"}"#), [ended(1, None, Some("why"))]);
    assert_eq!(
        said(r#"{"task":1,"output":"so far","error":"why"}"#),
        [ended(1, Some(b"so far"), Some("why"))]
    );
    assert_eq!(said(r#"{"done":[1,[2,5],7]}"#), [Answer::Done(1, 1), Answer::Done(2, 5), Answer::Done(7, 7)]);
    assert_eq!(said(r#"{"done": []}"#), []);
    assert_eq!(
        said(r#"[{"task":1}, {"task":2,"error":"x"}]"#),
        [Answer::Done(1, 1), ended(2, None, Some("x"))]
    );
    assert_eq!(said("[]"), []);
    assert_eq!(said(r#"{"task":1,"output":null,"error":null}"#), [Answer::Done(1, 1)]);
    let hello = |batch, fence| [Answer::Hello(Hello { version: 1, batch, fence })];
    assert_eq!(said(r#"{"divvy":1}"#), hello(None, false));
    assert_eq!(said(r#"{"divvy":1,"batch":1000,"fence":true}"#), hello(Some(1000), true));
}

#[test]
fn everything_else_is_refused() {
    let lines: [&[u8]; 26] = [
        b"",
        b"loading the model ...",
        b"{",
        b"{}",
        b"null",
        b"7",
        b"[7]",
        br#"{"task":"7"}"#,
        br#"{"task":-1}"#,
        br#"{"task":1.5}"#,
        br#"{"task":007}"#,
        br#"{"task":18446744073709551616}"#,
        br#"{"task":1}{"task":2}"#,
        br#"{"task":1},"#,
        br#"{"task":1,"eror":"a typo"}"#,
        br#"{"task":1,"task":2}"#,
        br#"{"task":1,"output":7}"#,
        br#"{"task":1,"output":"a","output_b64":"YQ=="}"#,
        br#"{"task":1,"output_b64":"?"}"#,
        b"{\"task\":1,\"output\":\"\xff\"}",
        br#"{"task":1,"done":[2]}"#,
        br#"{"done":[[5,2]]}"#,
        br#"{"done":[[1,2,3]]}"#,
        br#"{"divvy":1,"task":1}"#,
        br#"{"divvy":1,"batch":0}"#,
        br#"[{"task":1},{"tsk":2}]"#,
    ];
    for line in lines {
        assert!(!wrong(line).is_empty());
    }
    assert!(wrong(br#"{"task":1,"eror":"a typo"}"#).contains("eror"));
}

/// Lines made of the pieces of right ones, right and wrong: whatever the fast reader takes, serde takes for the same.
#[test]
fn the_fast_reader_and_serde_agree() {
    const PIECES: [&str; 24] = [
        "{\"task\":",
        "{\"done\":",
        "{\"done\": [",
        "{\"task\": ",
        ",\"output\":\"",
        ", \"output\": \"",
        "\"",
        "}",
        "[",
        "]",
        ",",
        ", ",
        " ",
        "1",
        "20",
        "0",
        "18446744073709551615",
        "9999999999999999999",
        "\\n",
        "é",
        "\\",
        "\t",
        "01",
        "[[1,2]",
    ];
    let mut rng = Rng::new(1);
    let mut taken = 0;
    for _ in 0..300_000 {
        let line = if rng.below(2) == 0 { random_right(&mut rng) } else { random_pieces(&mut rng, &PIECES) };
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        if answer_fast::read(line.as_bytes(), &mut fast) {
            taken += 1;
            read_any(line.as_bytes(), &mut slow).unwrap_or_else(|why| panic!("{line}: {why}"));
            assert_eq!(fast, slow, "{line}");
        }
    }
    assert!(taken > 50_000, "only {taken} lines were for the fast reader");
}

fn random_pieces(rng: &mut Rng, pieces: &[&str]) -> String {
    (0..1 + rng.below(8)).map(|_| pieces[rng.below(pieces.len() as u64) as usize]).collect()
}

/// A right line, now and then with one byte changed.
fn random_right(rng: &mut Rng) -> String {
    let space = if rng.below(2) == 0 { " " } else { "" };
    let one = |rng: &mut Rng| match rng.below(3) {
        0 => format!("{{\"task\":{space}{}}}", rng.below(1_000)),
        1 => format!("{{\"task\":{space}{},{space}\"output\":{space}\"x{}é\"}}", rng.below(9), rng.below(99)),
        _ => format!("{{\"done\":{space}[{},{space}[1,{space}{}]]}}", rng.below(9), rng.below(99)),
    };
    let line = match rng.below(3) {
        0 => format!("[{},{space}{}]", one(rng), one(rng)),
        _ => one(rng),
    };
    if rng.below(4) > 0 {
        return line;
    }
    let mut bytes = line.into_bytes();
    let at = rng.below(bytes.len() as u64) as usize;
    bytes[at] = b"0 {}[]\",:x\\"[rng.below(11) as usize];
    String::from_utf8_lossy(&bytes).into_owned()
}
