use super::*;
use divvy_core::Rng;

/// The definition, as short as it can be said.
fn naive(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split(|byte| is_white(*byte)).filter(|word| !word.is_empty()).collect()
}

fn by(way: Way, bytes: &[u8]) -> Vec<&[u8]> {
    let mut words = Words::by(way, bytes);
    let mut found = Vec::new();
    while let Some(spans) = words.next_spans() {
        found.extend(spans.iter().map(|&[begin, end]| &bytes[begin as usize..end as usize]));
    }
    found
}

/// Bytes that are white with this probability, the others from the whole range and often next to a white one.
fn text(rng: &mut Rng, len: usize, white: f64) -> Vec<u8> {
    let solid = [8, 14, 31, 33, 0, 127, 128, 0x89, 0x8d, 0xa0, 255, b'a'];
    let any = |rng: &mut Rng| match rng.chance(white) {
        true => [b' ', b'\t', b'\n', 11, 12, b'\r'][rng.below(6) as usize],
        false if rng.chance(0.5) => solid[rng.below(solid.len() as u64) as usize],
        false => Some(rng.bits() as u8).filter(|byte| !is_white(*byte)).unwrap_or(b'z'),
    };
    (0..len).map(|_| any(rng)).collect()
}

#[test]
fn every_way_finds_the_words_of_every_length_and_density_from_every_address() {
    let mut rng = Rng::new(1);
    for len in (0..300).chain([2_047, 2_048, 2_049, 2_112, 4_095, 4_096, 5_000, 20_000]) {
        for white in [0.0, 0.002, 0.05, 0.2, 0.5, 0.95, 1.0] {
            let skip = rng.below(65) as usize;
            let text = text(&mut rng, skip + len, white);
            let text = &text[skip..];
            for way in Way::all() {
                assert_eq!(by(way, text), naive(text), "{way:?} {len} {white} {skip}");
            }
        }
    }
}

#[test]
fn words_that_alternate_with_gaps_have_an_edge_at_every_byte() {
    for len in [64, 2_048, 2_050, 6_144] {
        for first in 0..2 {
            let text: Vec<_> = (first..first + len).map(|i| if i % 2 == 0 { b'x' } else { b'\n' }).collect();
            Way::all().for_each(|way| assert_eq!(by(way, &text), naive(&text), "{way:?} {len} {first}"));
        }
    }
}

#[test]
fn a_word_may_be_as_long_as_the_text() {
    let text = vec![b'x'; 10_000];
    Way::all().for_each(|way| assert_eq!(by(way, &text), [&text[..]], "{way:?}"));
}

#[test]
fn pieces_are_cut_between_words_and_a_longer_word_stays_whole() {
    let mut rng = Rng::new(2);
    for white in [0.0, 0.01, 0.1, 0.5, 1.0] {
        for at_once in [1, 2, 7, 64, 100] {
            let text = text(&mut rng, 1_000, white);
            let mut words = Vec::new();
            in_pieces(&text, at_once, |word| words.push(word.to_vec()));
            assert_eq!(words, naive(&text), "{white} {at_once}");
        }
    }
}

#[test]
fn white_space_is_what_it_is_in_c_and_in_python() {
    let white: Vec<u8> = (0..=255).filter(|byte| is_white(*byte)).collect();
    assert_eq!(white, [9, 10, 11, 12, 13, 32]);
    let except_vertical_tab = (0..=255u8).filter(|byte| byte.is_ascii_whitespace() || *byte == 11);
    assert!(except_vertical_tab.eq(white));
}
