//! How evenly the work of a map-reduce was divided, for people: only what is worth knowing, and what to do about it.

use divvy_mapreduce::part_name;
use divvy_mapreduce::skew::{Sizes, Skew, Times};

/// A part is large from so many times the mean on, and a task long from so many times the median on.
const LARGE: f64 = 2.0;
const LONG: f64 = 5.0;

/// A phase does not wait for shorter tasks than that, in microseconds.
const LONG_US: u64 = 100_000;

pub fn lines(skew: &Skew) -> Vec<String> {
    let long = [long("map", &skew.map), long("reduce", &skew.reduce)];
    long.into_iter().flatten().chain(large(&skew.parts)).chain(done_over(skew)).collect()
}

fn large(parts: &Sizes) -> Option<String> {
    let mean = parts.bytes as f64 / parts.parts.max(1) as f64;
    let ratio = parts.largest as f64 / mean;
    (ratio > LARGE).then(|| {
        let (name, largest, parts) = (part_name(parts.number), parts.largest, parts.parts);
        format!("skew: {name} has {largest} bytes, {ratio:.1} times the mean of {parts}; more --parts may divide it")
    })
}

fn long(phase: &str, times: &Times) -> Option<String> {
    let ratio = times.longest_us as f64 / times.median_us.max(1) as f64;
    (ratio > LONG && times.longest_us >= LONG_US).then(|| {
        let (seconds, median, pid) = (times.longest_us as f64 / 1e6, times.median_us as f64 / 1e6, times.pid);
        format!(
            "straggler: a {phase} task took {seconds:.2} s in process {pid}, the median of {} is {median:.3} s",
            times.tasks
        )
    })
}

fn done_over(skew: &Skew) -> Option<String> {
    let share = 100.0 * skew.twice_us as f64 / skew.all_us.max(1) as f64;
    (skew.taken + skew.twice > 0).then(|| {
        format!(
            "backups: {} tasks were taken from slow processes; {} were done twice, {share:.1} % of the work",
            skew.taken, skew.twice
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_of_work_that_was_divided_evenly() {
        let even = Times { tasks: 9, median_us: 400_000, longest_us: 900_000, pid: 7 };
        let parts = Sizes { parts: 4, bytes: 400, largest: 150, number: 2 };
        let skew = Skew { map: even, reduce: even, parts, ..Skew::default() };
        assert_eq!(lines(&skew), [""; 0]);
        assert_eq!(lines(&Skew::default()), [""; 0], "nor of none");
    }

    #[test]
    fn who_was_slow_and_what_is_large_is_named() {
        let late = Times { tasks: 9, median_us: 40_000, longest_us: 900_000, pid: 7 };
        let short = Times { longest_us: 90_000, median_us: 1, ..late };
        let parts = Sizes { parts: 4, bytes: 400, largest: 250, number: 2 };
        let skew = Skew { map: late, reduce: short, parts, taken: 3, twice: 2, twice_us: 15, all_us: 1_000 };
        let expected = [
            "straggler: a map task took 0.90 s in process 7, the median of 9 is 0.040 s",
            "skew: part-00002 has 250 bytes, 2.5 times the mean of 4; more --parts may divide it",
            "backups: 3 tasks were taken from slow processes; 2 were done twice, 1.5 % of the work",
        ];
        assert_eq!(lines(&skew), expected);
    }
}
