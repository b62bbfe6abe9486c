//! Fields as bytes that compare, byte by byte, as the fields should.
//!
//! Each field ends by itself, so that the next one counts only where this one is equal, and a field that is to be
//! backwards is the complement of all its bytes, its end included.

use super::fields::KeySpec;

/// Appends a field of a key.
pub(super) fn encode(spec: &KeySpec, field: &[u8], to: &mut Vec<u8>) {
    let from = to.len();
    if spec.numeric {
        number(field, to)
    } else {
        text(field, to)
    }
    if spec.reverse {
        to[from..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// Ended by two zeros; a zero that belongs to it is followed by 255.
fn text(field: &[u8], to: &mut Vec<u8>) {
    for byte in field {
        to.push(*byte);
        if *byte == 0 {
            to.push(0xff);
        }
    }
    to.extend_from_slice(&[0, 0]);
}

const NEGATIVE: u8 = 1;
const ZERO: u8 = 2;
const POSITIVE: u8 = 3;

/// The decimal number at the beginning, of any length; what is none counts as 0, as for sort(1).
///
/// A sign, how many digits are before the point, the digits without zeros at their ends. Of a negative number all behind
/// the sign is complemented.
fn number(field: &[u8], to: &mut Vec<u8>) {
    let text = field.trim_ascii_start();
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at(digits(text));
    let part = match rest {
        [b'.', rest @ ..] => &rest[..digits(rest)],
        _ => &[],
    };
    let mut all = whole.iter().chain(part).map(|digit| digit - b'0');
    let Some(zeros) = all.clone().position(|digit| digit != 0) else { return to.push(ZERO) };
    let behind = all.clone().rev().take_while(|digit| *digit == 0).count();
    let exponent = whole.len() as i64 - zeros as i64;
    to.push(if negative { NEGATIVE } else { POSITIVE });
    let from = to.len();
    to.extend_from_slice(&((exponent as u64) ^ (1 << 63)).to_be_bytes());
    // Digits from 1 on: 0 is the end.
    let count = whole.len() + part.len() - zeros - behind;
    to.extend(all.by_ref().skip(zeros).take(count).map(|digit| digit + 1));
    to.push(0);
    if negative {
        to[from..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse_specs;
    use super::*;

    fn encoded(options: &str, key: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        parse_specs(options).unwrap().iter().for_each(|spec| encode(spec, spec.of(key, b"\t"), &mut bytes));
        bytes
    }

    fn ascends(options: &str, keys: &[&[u8]]) {
        for pair in keys.windows(2) {
            let (a, b) = (encoded(options, pair[0]), encoded(options, pair[1]));
            assert!(a < b, "{options}: {:?} is before {:?}", pair[0].escape_ascii(), pair[1].escape_ascii());
        }
    }

    #[test]
    fn numbers_are_in_their_order() {
        let numbers: [&[u8]; 16] = [
            b"-100000000000000000000",
            b"-20",
            b"-3.5",
            b"-3.25",
            b"-3",
            b"-0.5",
            b"-0.05",
            b"0",
            b".001",
            b"0.01",
            b"0.1",
            b"1",
            b"1.5",
            b"9",
            b"10",
            b"123456789012345678901234567890.5",
        ];
        ascends("-k1,1n", &numbers);
        let mut backwards = numbers;
        backwards.reverse();
        ascends("-k1,1nr", &backwards);
    }

    #[test]
    fn equal_numbers_are_equal_however_written() {
        for (a, b) in [("1", "001.000"), ("0", "-0"), ("x", "0.0"), ("2a", "2"), (" 7", "+7")] {
            assert_eq!(encoded("-n", a.as_bytes()), encoded("-n", b.as_bytes()), "{a} {b}");
        }
    }

    #[test]
    fn texts_are_in_byte_order_and_the_shorter_one_first() {
        let texts: [&[u8]; 8] = [b"", b"\0", b"\0\0", b"\0a", b"a", b"a\0", b"aa", b"b"];
        ascends("-k1,1", &texts);
        let mut backwards = texts;
        backwards.reverse();
        ascends("-k1,1r", &backwards);
    }

    #[test]
    fn the_second_field_counts_where_the_first_is_equal() {
        ascends("-k1,1 -k2,2nr", &[b"a\t10", b"a\t9", b"a\t-1", b"aa\t5", b"b\t100"]);
        ascends("-k1,1r -k2,2", &[b"b\tx", b"aa\ta", b"a\ta", b"a\tb"]);
    }
}
