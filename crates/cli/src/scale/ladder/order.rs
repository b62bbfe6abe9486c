//! In which order a ladder is climbed.
//!
//! Each round runs every number of workers once, shuffled. A machine that gets slower or faster meanwhile (heat,
//! other people's work, caches) then does so to all of them alike, instead of bending the curve.

use divvy_core::Rng;

/// The numbers of workers of each round.
pub fn rounds(workers: &[u64], rounds: u32, seed: u64) -> Vec<Vec<u64>> {
    let mut rng = Rng::new(seed);
    let mut shuffled = || {
        let mut round = workers.to_vec();
        // Fisher and Yates.
        for last in (1..round.len()).rev() {
            round.swap(last, rng.below(last as u64 + 1) as usize);
        }
        round
    };
    (0..rounds).map(|_| shuffled()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_every_number_once_and_another_order() {
        let workers: Vec<u64> = (1..=16).collect();
        let all = rounds(&workers, 8, 1);
        for round in &all {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, workers);
        }
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all, rounds(&workers, 8, 1));
        assert_ne!(all, rounds(&workers, 8, 2));
    }
}
