//! Tables for [`super::array`].

use super::array::{Array, ArrayError};
use super::ranges::Reason;

fn parts(text: &str) -> (u64, u64, u64) {
    let array = Array::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
    (array.first(), array.step(), array.count())
}

#[test]
fn reads_first_step_and_count() {
    for (text, expected) in [
        ("1-1000000:3", (1, 3, 333_334)),
        ("1-10", (1, 1, 10)),
        ("5", (5, 1, 1)),
        ("0-0", (0, 1, 1)),
        ("0-9", (0, 1, 10)),
        ("1-1000_000", (1, 1, 1_000_000)),
        ("1-10:4", (1, 4, 3)),
        ("1-3:9", (1, 1, 1)),
        ("1-18446744073709551615", (1, 1, u64::MAX)),
        ("0-18446744073709551614", (0, 1, u64::MAX)),
        ("0-18446744073709551615:2", (0, 2, 1 << 63)),
        ("18446744073709551615", (u64::MAX, 1, 1)),
        ("0-18446744073709551615:18446744073709551615", (0, u64::MAX, 2)),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn a_list_is_accepted_when_it_is_one_progression() {
    for (text, expected) in [
        ("1,2,3", (1, 1, 3)),
        ("1,3,5", (1, 2, 3)),
        ("1,3,5-9:2", (1, 2, 5)),
        ("1-3,4", (1, 1, 4)),
        ("1-3,4-8,9", (1, 1, 9)),
        ("1-5:2,7-9:2", (1, 2, 5)),
        ("1,5-13:4", (1, 4, 4)),
        ("7,100", (7, 93, 2)),
        ("0-9,10-18446744073709551614", (0, 1, u64::MAX)),
    ] {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn other_lists_are_refused_at_the_piece_that_breaks() {
    for (text, piece, at) in [
        ("1,3,5-8", "5-8", 4),
        ("1,2,4", "4", 4),
        ("1,1", "1", 2),
        ("3,1", "1", 2),
        ("1-3,3-5", "3-5", 4),
        ("1-3,5", "5", 4),
        ("1,2-6:2", "2-6:2", 2),
        ("1-5,1-5", "1-5", 4),
    ] {
        let expected = ArrayError::List { piece: piece.as_bytes().to_vec(), at };
        assert_eq!(Array::parse(text.as_bytes()), Err(expected), "{text}");
    }
    assert_eq!(
        Array::parse(b"1,3,5-8").unwrap_err().to_string(),
        "`5-8` at byte 5 does not continue the numbers in front of it at one distance; --array does not support such \
         lists yet: give the numbers as inputs instead, or submit one job per range"
    );
}

#[test]
fn malformed_ranges_are_refused() {
    for (text, at, reason) in [
        ("", 0, Reason::Missing),
        ("10-1", 0, Reason::Reversed { first: 10, last: 1 }),
        ("1-10:0", 5, Reason::StepZero),
        ("1-18446744073709551616", 2, Reason::TooLarge),
        ("1-10x", 4, Reason::Unexpected(b'x')),
        ("all", 0, Reason::Unexpected(b'a')),
    ] {
        match Array::parse(text.as_bytes()) {
            Err(ArrayError::Range(error)) => assert_eq!((error.at, error.reason), (at, reason), "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(Array::parse(b"0-18446744073709551615"), Err(ArrayError::TooMany));
    assert_eq!(Array::parse(b"0-5,6-18446744073709551615"), Err(ArrayError::TooMany));
}

#[test]
fn display_reads_back_to_the_same_array() {
    for (text, shown) in [
        ("1-10", "1-10"),
        ("5", "5"),
        ("5-5:3", "5"),
        ("1-10:4", "1-9:4"),
        ("1-1000_000:3", "1-1000000:3"),
        ("1,3,5", "1-5:2"),
        ("0-18446744073709551614", "0-18446744073709551614"),
    ] {
        let array = Array::parse(text.as_bytes()).expect("good");
        assert_eq!(array.to_string(), shown);
        assert_eq!(Array::parse(shown.as_bytes()), Ok(array));
    }
}
