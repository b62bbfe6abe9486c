use super::*;
use std::cmp::Ordering;
use std::fmt::Debug;

/// Encoded, these order as `cmp` says, and come back as they were: alone, and with something behind.
fn holds<D: Datum + Debug>(data: &[D], cmp: impl Fn(&D, &D) -> Ordering) {
    let bytes = |datum: &D, last| {
        let mut bytes = Vec::new();
        datum.put(&mut bytes, last);
        bytes
    };
    for a in data {
        assert_eq!(cmp(&decode(&bytes(a, true)).unwrap(), a), Ordering::Equal, "{a:?}");
        assert!(a.bytes().is_none_or(|as_it_is| as_it_is == bytes(a, true)), "{a:?}");
        let with_more = [bytes(a, false), b"more".to_vec()].concat();
        let mut rest = &with_more[..];
        assert_eq!(cmp(&D::take(&mut rest, false).unwrap(), a), Ordering::Equal, "{a:?}");
        assert_eq!(rest, b"more");
        for b in data {
            assert_eq!(bytes(a, true).cmp(&bytes(b, true)), cmp(a, b), "{a:?} {b:?}");
            assert_eq!(bytes(a, false).cmp(&bytes(b, false)), cmp(a, b), "{a:?} {b:?}");
        }
    }
}

fn ordered<D: Datum + Debug + Ord>(data: &[D]) {
    holds(data, Ord::cmp);
}

fn texts() -> Vec<String> {
    ["", "\0", "\0\0", "\0a", "a", "a\0", "a\0b", "a\u{1}", "ab", "b", "ä"].map(String::from).to_vec()
}

#[test]
fn bytes_order_as_what_they_stand_for() {
    ordered(&texts());
    ordered(
        &texts().into_iter().map(String::into_bytes).chain([vec![0xff], vec![0xff, 0]]).collect::<Vec<_>>(),
    );
    let numbers = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]);
    let numbers: Vec<u64> = numbers.collect();
    ordered(&numbers);
    ordered(
        &numbers.iter().flat_map(|n| [n.cast_signed(), n.cast_signed().wrapping_neg()]).collect::<Vec<_>>(),
    );
    ordered(&numbers.iter().map(|n| *n as u16).collect::<Vec<_>>());
    ordered(&numbers.iter().map(|n| *n as i32).collect::<Vec<_>>());
    ordered(&numbers.iter().map(|n| i128::from(*n) - (1 << 40)).collect::<Vec<_>>());
    ordered(&numbers.iter().map(|n| *n as usize).collect::<Vec<_>>());
    ordered(&[i64::MIN, i64::MAX]);
    ordered(&[false, true]);
    ordered(&[None, Some(0u8), Some(7)]);
    ordered(&[()]);
    let floats = [f64::NEG_INFINITY, -1e300, -1.5, -0.0, 0.0, 5e-324, 1.0, 1.5, f64::INFINITY, f64::NAN];
    holds(&floats, f64::total_cmp);
    holds(&floats.map(|float| float as f32), f32::total_cmp);
}

#[test]
fn tuples_order_by_their_first_difference() {
    let pairs = texts().into_iter().flat_map(|a| texts().into_iter().map(move |b| (a.clone(), b)));
    ordered(&pairs.clone().collect::<Vec<_>>());
    ordered(&pairs.clone().map(|(a, b)| (Reverse(a), b)).collect::<Vec<_>>());
    ordered(&pairs.map(|(a, b)| (a.len() as i64 - 1, Reverse((b, a)))).collect::<Vec<_>>());
    ordered(&texts().into_iter().map(|text| (1u8, text.clone(), 2u64, text)).collect::<Vec<_>>());
    ordered(&texts().into_iter().map(Reverse).collect::<Vec<_>>());
}

#[test]
fn what_is_no_datum_is_refused() {
    assert_eq!(decode::<u64>(&[2, 1]), None);
    assert_eq!(decode::<u64>(&[9, 1, 1, 1, 1, 1, 1, 1, 1, 1]), None);
    assert_eq!(decode::<u32>(&[0, 0, 0, 1, 0]), None);
    assert_eq!(decode::<String>(&[0xff]), None);
    assert_eq!(decode::<(String, u8)>(b"no end"), None);
    assert_eq!(decode::<i64>(&[MIDDLE + 8, 0xff, 0, 0, 0, 0, 0, 0, 0]), None);
}

#[test]
fn small_numbers_are_short() {
    let len = |n: u64| {
        let mut bytes = Vec::new();
        n.put(&mut bytes, true);
        bytes.len()
    };
    assert_eq!([0, 1, 255, 256, u64::MAX].map(len), [1, 2, 2, 3, 9]);
}
