//! A section inside of the tasks that only one of them may be in: what task times say of it.
//!
//! Tasks that wait for each other take longer when more of them run, in a way that is known: that of a machine repairman
//! (mean value analysis, one server). So for each length that the section might have there is a best fit and a
//! likelihood. If one of them is clearly better than none, tasks slow down for a reason that divvy does not see. If none is,
//! the lengths that remain possible still count: a section that has not shown itself with six workers may be all that
//! matters with fifty.

use super::line::Mean;

/// Lengths that are tried, as parts of a task's time: from the least that matters to the longest, evenly in logarithms.
const LENGTHS: usize = 60;
const SHORTEST: f64 = 1e-4;
/// How much likelier a section has to be than none: three standard errors.
const CLEARLY: f64 = 9.0;

/// What is known of such a section.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    /// Lengths in seconds, ascending from 0, and how likely it is that it is not longer.
    lengths: Vec<(f64, f64)>,
    /// The likeliest, if that is clearly above 0, and what it makes of a task's time with the fewest and the most workers.
    pub(super) shown: Option<(f64, f64)>,
}

impl Hidden {
    /// From the mean times of tasks by how many ran; times that cores explain taken out.
    pub(super) fn of(means: &[Mean]) -> Hidden {
        let nothing = Hidden { lengths: vec![(0.0, 1.0)], shown: None };
        let Some(longest) = means.iter().map(|mean| mean.value).reduce(f64::min).filter(|time| *time > 0.0)
        else {
            return nothing;
        };
        if means.len() < 2 {
            return nothing;
        }
        let step = SHORTEST.ln() / (LENGTHS - 1) as f64;
        let tried = (0..LENGTHS).rev().map(|at| longest * (step * at as f64).exp());
        let fits: Vec<Fit> = std::iter::once(0.0).chain(tried).map(|length| Fit::of(means, length)).collect();
        let best = fits.iter().min_by(|a, b| a.chi.total_cmp(&b.chi)).copied().unwrap_or(fits[0]);
        // What scatters more than it should counts for less.
        let birge = (best.chi / (means.len() as f64 - 2.0).max(1.0)).max(1.0);
        let likelihood = |fit: &Fit| (-(fit.chi - best.chi) / birge / 2.0).exp();
        let mut sum = 0.0;
        let mut before = 0.0;
        let mut lengths: Vec<(f64, f64)> = Vec::with_capacity(fits.len());
        for fit in &fits {
            sum += likelihood(fit) * (fit.length - before);
            before = fit.length;
            lengths.push((fit.length, sum));
        }
        lengths.iter_mut().for_each(|(_, share)| *share /= sum);
        let is_clear = (fits[0].chi - best.chi) / birge > CLEARLY;
        Hidden { lengths, shown: is_clear.then_some(best.times) }
    }

    /// A length that it might have, by a number from 0 to 1.
    pub(super) fn drawn(&self, unit: f64) -> f64 {
        let at = self.lengths.partition_point(|(_, share)| *share < unit);
        self.lengths.get(at).map_or(0.0, |(length, _)| *length)
    }
}

#[derive(Debug, Clone, Copy)]
struct Fit {
    length: f64,
    chi: f64,
    times: (f64, f64),
}

impl Fit {
    fn of(means: &[Mean], length: f64) -> Fit {
        let weight: f64 = means.iter().map(Mean::weight).sum();
        let average = means.iter().map(|mean| mean.weight() * mean.value).sum::<f64>() / weight;
        let waits = waits(means, length, (average - length).max(0.0));
        let alone =
            means.iter().zip(&waits).map(|(mean, wait)| mean.weight() * (mean.value - wait)).sum::<f64>()
                / weight;
        let off = |(mean, wait): (&Mean, &f64)| mean.weight() * (mean.value - alone - wait).powi(2);
        let chi = means.iter().zip(&waits).map(off).sum();
        let at = |wait: Option<&f64>| alone + wait.copied().unwrap_or(0.0);
        Fit { length, chi, times: (at(waits.first()), at(waits.last())) }
    }
}

/// How long a task waits before the section, for each of the means.
fn waits(means: &[Mean], length: f64, alone: f64) -> Vec<f64> {
    let (mut waits, mut queue, mut wait, mut n) = (Vec::with_capacity(means.len()), 0.0, 0.0, 0.0);
    for mean in means {
        while n < mean.n.round() {
            n += 1.0;
            wait = length * queue;
            let response = length + wait;
            queue = n / (alone + response) * response;
        }
        waits.push(wait);
    }
    waits
}
