use super::*;

const US: Duration = Duration::from_micros(1);

fn limits(workers: usize) -> Limits {
    let config = Config { workers, chunk_max: 100, chunk_target: 8 * US, ..Config::default() };
    Limits::of(Grain::of(&config), workers)
}

#[test]
fn it_starts_at_one_and_doubles_while_chunks_are_short() {
    let limits = limits(1);
    let mut sizer = Sizer::new();
    let sizes: Vec<u32> = (0..9)
        .map(|_| {
            let n = sizer.size(limits, u32::MAX);
            sizer.learn(limits, n, 3 * US);
            n
        })
        .collect();
    assert_eq!(sizes, [1, 2, 4, 8, 16, 32, 64, 100, 100]);
}

#[test]
fn it_stays_between_half_the_target_and_the_target() {
    let limits = limits(1);
    let mut sizer = Sizer { chunk: 16 };
    for took in [4 * US, 6 * US, 8 * US] {
        sizer.learn(limits, 16, took);
        assert_eq!(sizer.chunk, 16, "{took:?}");
    }
}

#[test]
fn a_cliff_resets_it_to_what_fits_at_once() {
    let limits = limits(1);
    let mut sizer = Sizer { chunk: 100 };
    sizer.learn(limits, 100, 400 * US);
    assert_eq!(sizer.chunk, 2);
    sizer.learn(limits, 2, Duration::from_secs(3600));
    assert_eq!(sizer.chunk, 1, "never zero");
    sizer.learn(limits, 1, Duration::MAX);
    assert_eq!(sizer.chunk, 1);
}

#[test]
fn a_chunk_that_the_end_of_the_word_cut_short_teaches_no_growth() {
    let limits = limits(1);
    let mut sizer = Sizer { chunk: 64 };
    sizer.learn(limits, 5, US);
    assert_eq!(sizer.chunk, 64);
}

#[test]
fn no_chunk_holds_more_than_a_share_of_what_is_left() {
    let sizer = Sizer { chunk: 100 };
    for (remaining, most) in [(1, 1), (7, 1), (8, 1), (16, 2), (400, 50), (800, 100), (u32::MAX, 100)] {
        assert_eq!(sizer.size(limits(4), remaining), most, "{remaining}");
    }
}

#[test]
fn a_grain_may_ask_for_a_least_that_neither_time_nor_share_lower() {
    let limits = Limits::of(Grain { target: US, least: 32, most: 64 }, 4);
    let mut sizer = Sizer::new();
    assert_eq!(sizer.size(limits, u32::MAX), 32);
    sizer.learn(limits, 32, Duration::from_secs(1));
    assert_eq!([40, 32, 31, 1].map(|remaining| sizer.size(limits, remaining)), [32, 32, 31, 1]);
    let nothing_said = Limits::of(Grain { target: Duration::ZERO, least: 0, most: 0 }, 1);
    sizer.learn(nothing_said, 1, US);
    assert_eq!(sizer.size(nothing_said, 9), 1);
}
