use super::*;

fn word(lo: u32, hi: u32) -> Word {
    Word::new(Span { lo, hi })
}

#[test]
fn a_take_comes_from_the_low_end_and_says_how_many_are_there() {
    let word = word(10, 20);
    let asked = std::cell::Cell::new(0);
    let taken = word.take(|len| {
        asked.set(len);
        3
    });
    assert_eq!((taken, asked.get(), word.span()), (Some(10..13), 10, Span { lo: 13, hi: 20 }));
    assert_eq!(word.take(|len| len), Some(13..20));
    assert_eq!(word.take(|_| unreachable!("nobody asks how much to take of nothing")), None);
}

#[test]
fn a_cut_works_only_on_what_was_seen() {
    let word = word(0, 8);
    let seen = word.span();
    assert!(word.cut(seen, 5));
    assert!(!word.cut(seen, 4), "the word has changed since");
    assert_eq!(word.span(), Span { lo: 0, hi: 5 });
}

#[test]
fn a_single_waiting_task_can_be_stolen() {
    assert_eq!(Span { lo: 4, hi: 5 }.middle(), 4);
    assert_eq!(Span { lo: 4, hi: 7 }.middle(), 5);
}

#[test]
fn the_whole_width_fits() {
    let span = Span { lo: 0, hi: u32::MAX };
    let word = Word::new(span);
    assert_eq!((word.span(), span.middle()), (span, u32::MAX / 2));
    assert!(word.cut(span, u32::MAX - 1));
    assert_eq!(word.take(|len| len), Some(0..u32::MAX - 1));
}

#[test]
fn words_share_no_cache_line_pair() {
    assert_eq!((align_of::<Word>(), size_of::<Word>()), (128, 128));
}

#[test]
#[should_panic(expected = "a chunk lies within its word")]
fn a_take_of_more_than_there_is_is_refused() {
    word(0, 3).take(|len| len + 1);
}

#[test]
#[should_panic(expected = "a cut takes at least one task")]
fn a_cut_of_nothing_is_refused() {
    let word = word(0, 3);
    word.cut(word.span(), 3);
}
