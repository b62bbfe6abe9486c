//! The oracle on systems that are known.

use super::*;

/// A system whose store is held for `base + each * n`, whose tasks take `task`, seen at these numbers of workers.
fn seen(base: f64, each: f64, task: f64, workers: &[f64]) -> Seen {
    let level = |n: &f64| {
        let hold = base + each * n;
        let none = Moments { count: 2_000.0, ..Moments::default() };
        let rate = (n / task).min(1.0 / hold);
        Level {
            workers: *n,
            trips: 2_000.0,
            tasks: 1.0,
            own: n / rate,
            work: Moments { count: 2_000.0, mean: hold, variance: (0.2 * hold).powi(2) },
            commit: none,
            work_beyond: none,
            commit_beyond: none,
            group: 1.0,
            retries: 0.0,
            task: Moments { count: 2_000.0, mean: task, variance: (0.1 * task).powi(2) },
            cpu: 100e-6,
            busy: 0.0,
        }
    };
    Seen { levels: workers.iter().map(level).collect(), node: 1.0, lease_max: Some(1.0), ..Seen::default() }
}

fn near(a: f64, b: f64, relative: f64) {
    assert!((a / b - 1.0).abs() <= relative, "{a} is not {b}");
}

const FEW: [f64; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];

#[test]
fn a_growing_section_peaks_where_it_saturates() {
    let oracle = Oracle::of(&seen(200e-6, 20e-6, 10e-3, &FEW)).unwrap();
    // n / 10 ms = 1 / (0.2 ms + 20 us n) at n = 17.9.
    let peak = oracle.peak().unwrap();
    near(peak.at.workers, 17.9, 0.04);
    assert!(peak.low < peak.at.workers && peak.at.workers < peak.high && peak.high < 20.0, "{peak:?}");
    near(oracle.at(64.0).unwrap().rate, 1.0 / (200e-6 + 64.0 * 20e-6), 0.02);
    near(oracle.growth().unwrap(), 20e-6, 0.02);
    assert_eq!(oracle.at(64.0).unwrap().limit, Limit::Store);
    let doubled = oracle.with_lease(2.0).peak().unwrap();
    assert!(doubled.at.rate > 1.3 * peak.at.rate && doubled.at.workers > 1.3 * peak.at.workers);
}

#[test]
fn a_fixed_section_is_a_ceiling_and_no_peak() {
    let oracle = Oracle::of(&seen(1e-3, 0.0, 10e-3, &FEW)).unwrap();
    assert_eq!((oracle.peak(), oracle.growth()), (None, None));
    near(oracle.at(4.0).unwrap().rate, 400.0, 0.02);
    near(oracle.at(64.0).unwrap().rate, 1_000.0, 0.02);
}

/// Whether workers with tasks of a second take them one by one or, waiting for the store, several at once, is not known.
#[test]
fn of_long_tasks_a_round_trip_may_bring_few() {
    let mut seen = seen(10e-3, 0.0, 1.0, &FEW);
    seen.lease_max = Some(64.0);
    let oracle = Oracle::of(&seen).unwrap();
    near(oracle.at(48.0).unwrap().rate, 48.0, 0.02);
    seen.levels.iter_mut().for_each(|level| level.work.mean = 100e-3);
    let far = Oracle::of(&seen).unwrap().at(48.0);
    assert!(matches!(far, Err(Silence::TooWide { low, .. }) if low < 12.0), "{far:?}");
}

#[test]
fn cores_are_a_ceiling() {
    let mut seen = seen(1e-6, 0.0, 5e-3, &[1.0, 2.0]);
    seen.cores = 2.0;
    seen.levels.iter_mut().for_each(|level| level.cpu = 5e-3);
    let far = Oracle::of(&seen).unwrap().at(16.0).unwrap();
    near(far.rate, 400.0, 0.02);
    assert_eq!(far.limit, Limit::Cores);
}

/// Processes that find a file locked look again a little later, and lose time and cores to that.
#[test]
fn a_store_that_is_competed_for_is_not_counted_on_to_its_end() {
    let mut seen = seen(1e-3, 0.0, 10e-3, &FEW[..3]);
    seen.levels.iter_mut().for_each(|level| level.retries = 0.1);
    let oracle = Oracle::of(&seen).unwrap();
    assert!(oracle.at(4.0).is_ok());
    assert_eq!(oracle.at(8.0), Err(Silence::Contended { share: 0.5 }));
}

#[test]
fn cores_that_others_use_are_not_counted_on() {
    let mut seen = seen(1e-6, 0.0, 5e-3, &[1.0, 2.0]);
    seen.cores = 4.0;
    seen.levels.iter_mut().for_each(|level| (level.cpu, level.busy) = (5e-3, level.workers + 1.5));
    let oracle = Oracle::of(&seen).unwrap();
    assert!(oracle.at(2.0).is_ok(), "there is enough for two");
    let shared = oracle.at(8.0);
    assert!(
        matches!(shared, Err(Silence::SharedCores { others, .. }) if (others - 1.5).abs() < 0.1),
        "{shared:?}"
    );
}

/// Tasks of 18 ms that then wait for each other, as chance has it, in a section of this length; and what so many get done.
fn sharing(section: f64) -> (Seen, impl Fn(f64) -> f64) {
    let think = 18e-3;
    let mean = move |n: f64| -> f64 {
        let (mut queue, mut response) = (0.0, 0.0);
        for n in 1..=n as u32 {
            response = section * (1.0 + queue);
            queue = f64::from(n) * response / (think + response);
        }
        think + response
    };
    let mut seen = seen(1e-6, 0.0, 20e-3, &FEW[..6]);
    for level in &mut seen.levels {
        level.task.mean = mean(level.workers);
        level.own = level.task.mean;
    }
    (seen, move |n| n / mean(n))
}

#[test]
fn tasks_that_slow_down_much_are_nothing_to_go_on() {
    let silence = Oracle::of(&sharing(5e-3).0).map(|_| ()).unwrap_err();
    assert!(matches!(silence, Silence::TasksSlow { from, to } if from < 24e-3 && to > 26e-3), "{silence:?}");
}

#[test]
fn a_section_inside_of_the_tasks_shows_in_their_times() {
    let (seen, truth) = sharing(2e-3);
    let oracle = Oracle::of(&seen).unwrap();
    near(oracle.at(8.0).unwrap().rate, truth(8.0), 0.03);
    // Whether it is a section, or each slows all others down a little, matters with many.
    for n in [12.0, 24.0, 48.0] {
        let said = oracle.at(n);
        assert!(
            said.as_ref().is_err() || (said.as_ref().unwrap().rate / truth(n) - 1.0).abs() < 0.1,
            "{n}: {said:?}"
        );
    }
    assert!(matches!(oracle.at(48.0), Err(Silence::TooWide { .. })), "{:?}", oracle.at(48.0));
}

#[test]
fn it_is_silent_where_it_cannot_know() {
    let good = seen(1e-3, 0.0, 10e-3, &FEW);
    let of = |change: &dyn Fn(&mut Seen)| {
        let mut seen = good.clone();
        change(&mut seen);
        Oracle::of(&seen).map(|_| ())
    };
    assert_eq!(of(&|_| ()), Ok(()));
    assert_eq!(of(&|s| s.levels.clear()), Err(Silence::NothingSeen));
    assert_eq!(of(&|s| s.levels.iter_mut().for_each(|l| l.trips = 3.0)), Err(Silence::TooFew { trips: 24 }));
    assert_eq!(of(&|s| s.untold = 1e5), Err(Silence::Untold));
    let slow = of(&|s| s.levels.iter_mut().for_each(|l| l.task.mean += 1e-3 * l.workers));
    assert!(matches!(slow, Err(Silence::TasksSlow { .. })), "{slow:?}");
    let lost = of(&|s| s.levels.iter_mut().for_each(|l| l.own *= 1.5 + 0.1 * l.workers));
    assert!(matches!(lost, Err(Silence::Unaccounted { .. })), "{lost:?}");
    let oracle = Oracle::of(&good).unwrap();
    assert_eq!(oracle.at(65.0), Err(Silence::TooFar { most: 64.0 }));
}

#[test]
fn one_number_of_workers_says_nothing_of_how_costs_grow() {
    let at_eight = seen(500e-6, 0.0, 10e-3, &[8.0]);
    let oracle = Oracle::of(&at_eight).unwrap();
    near(oracle.at(8.0).unwrap().rate, 800.0, 0.05);
    assert_eq!(oracle.at(16.0), Err(Silence::NoVariation { workers: 8.0 }));
    // But cores are the limit however many workers there are.
    let mut computing = seen(10e-6, 0.0, 5e-3, &[2.0]);
    (computing.cores, computing.levels[0].cpu) = (2.0, 5e-3);
    near(Oracle::of(&computing).unwrap().at(16.0).unwrap().rate, 400.0, 0.01);
}

#[test]
fn what_varies_is_not_known() {
    let mut seen = seen(1e-3, 0.0, 10e-3, &FEW);
    for (level, factor) in seen.levels.iter_mut().zip([0.3, 2.0, 0.6, 1.7, 0.2, 1.9, 0.4, 0.9]) {
        level.work.mean *= factor;
    }
    let far = Oracle::of(&seen).unwrap().at(64.0);
    assert!(matches!(far, Err(Silence::TooWide { .. })), "{far:?}");
}
