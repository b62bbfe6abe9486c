//! What tasks share and divvy does not see: what their times say of it.
//!
//! Tasks that share something take longer when more of them run. Two ways are thought of. In a *section* only one of them may
//! be at a time; that is a machine repairman (mean value analysis, one server): for each length the section might have there
//! is a best fit and a likelihood. Or each task slows all others down a little, for which a line does. With few workers they look
//! alike, with many they do not, so each is the truth in one half of the draws, and where it matters which, nothing is said.
//!
//! What has not shown itself still counts: a section whose length does not stand out with six workers may be all that
//! matters with fifty. But most tasks share none, and task times that would show one with many workers can hardly ever
//! rule it out with few, so without a prior nothing could be said.

use super::line::{Line, Mean, Means};
use crate::rng::Rng;

/// Lengths that are tried, as parts of a task's time: from the least that matters to the longest, evenly in logarithms.
const LENGTHS: usize = 60;
const SHORTEST: f64 = 1e-4;
/// How likely it is before anything was seen that tasks share no section. Otherwise any length is as likely as any other, in
/// logarithms: nobody knows its order of magnitude.
const NOTHING: f64 = 0.4;
/// How much likelier a section has to be than none: three standard errors.
const CLEARLY: f64 = 9.0;
/// From the fewest workers to the most, tasks that clearly slow down may do so by this share before all that is said about
/// more workers rests on a guess at why.
const SLOWS_MAX: f64 = 0.10;

/// What is known of it.
#[derive(Debug, Clone)]
pub(super) struct Hidden {
    /// Task times without a section: for those who slow each other down.
    slow: Line,
    /// None, and sections it may be, each with how likely it is that it is this one or one before it.
    sections: Vec<(Fit, f64)>,
    /// The likeliest, if it is clearly likelier than none.
    clear: Option<Fit>,
}

/// What is left of a visit to a section, in visits, for one who comes in the middle of it: if they are of exponential length, if
/// all are equally long, and if tasks, too, are so alike that they half keep out of each other's way.
const LEFT: [f64; 3] = [1.0, 0.5, 0.25];

/// A section that one task at a time may be in.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Section {
    length: f64,
    /// One of [`LEFT`].
    left: f64,
}

/// How well a section fits.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Fit {
    section: Section,
    /// A task's time when no other is there.
    alone: f64,
    /// A task's time with the fewest and the most workers seen.
    times: (f64, f64),
    /// How far off it is: a sum of squares in standard errors.
    off: f64,
}

impl Hidden {
    /// From the mean times of tasks by how many ran, ascending; times that cores explain taken out.
    pub(super) fn of(means: Vec<Mean>) -> Hidden {
        let means = Means::of(means);
        let slow = Line::growing(&means);
        let weighed = means.weighed();
        let longest = means.iter().map(|mean| mean.value).fold(f64::INFINITY, f64::min);
        if weighed.len() < 2 || longest <= 0.0 {
            return Hidden { slow, sections: Vec::new(), clear: None };
        }
        let none = Fit::of(&weighed, Section::default());
        let fits: Vec<Fit> =
            LEFT.iter().flat_map(|left| lengths(longest, *left)).map(|s| Fit::of(&weighed, s)).collect();
        let best = fits.iter().fold(none, |best, fit| if fit.off < best.off { *fit } else { best });
        let each = (1.0 - NOTHING) / fits.len() as f64;
        let with = |fit: Fit, prior: f64| (fit, prior * (-(fit.off - best.off) / 2.0).exp());
        let mut sections: Vec<(Fit, f64)> = vec![with(none, NOTHING)];
        sections.extend(fits.into_iter().map(|fit| with(fit, each)));
        let all: f64 = sections.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        for (_, weight) in &mut sections {
            sum += *weight / all;
            *weight = sum;
        }
        Hidden { slow, sections, clear: (none.off - best.off > CLEARLY).then_some(best) }
    }

    /// From which time to which tasks slow down, if that is clear and much.
    pub(super) fn slows(&self) -> Option<(f64, f64)> {
        self.clear.map(|fit| fit.times).filter(|(from, to)| *to > from * (1.0 + SLOWS_MAX))
    }

    /// A task's time and the section, as far as they are clear.
    pub(super) fn likeliest(&self) -> (Line, Section) {
        match self.clear {
            Some(fit) => (self.slow.flat_at(fit.alone), fit.section),
            None => (self.slow, Section::default()),
        }
    }

    /// The same as it may be as well.
    pub(super) fn drawn(&self, rng: &mut Rng) -> (Line, Section) {
        let (way, at) = (rng.unit(), rng.unit());
        let at = self.sections.partition_point(|(_, share)| *share < at);
        match self.sections.get(at).filter(|_| way < 0.5) {
            Some((fit, _)) => (self.slow.flat_at(fit.alone).drawn(rng), fit.section),
            None => (self.slow.drawn(rng), Section::default()),
        }
    }
}

/// Sections of all lengths, ascending.
fn lengths(longest: f64, left: f64) -> impl Iterator<Item = Section> {
    let step = SHORTEST.ln() / (LENGTHS - 1) as f64;
    (0..LENGTHS).rev().map(move |at| Section { length: longest * (step * at as f64).exp(), left })
}

impl Fit {
    fn of(means: &[(Mean, f64)], section: Section) -> Fit {
        let weight: f64 = means.iter().map(|(_, weight)| weight).sum();
        let average = means.iter().map(|(mean, weight)| weight * mean.value).sum::<f64>() / weight;
        let wait = |mean: &Mean| section.wait(mean.n, average);
        let without = |(mean, weight): &(Mean, f64)| weight * (mean.value - wait(mean));
        let alone = means.iter().map(without).sum::<f64>() / weight;
        let off = |(mean, weight): &(Mean, f64)| weight * (mean.value - alone - wait(mean)).powi(2);
        let at = |mean: Option<&(Mean, f64)>| alone + mean.map_or(0.0, |(mean, _)| wait(mean));
        Fit { section, alone, times: (at(means.first()), at(means.last())), off: means.iter().map(off).sum() }
    }
}

impl Section {
    pub(super) fn is_none(&self) -> bool {
        self.length == 0.0
    }

    /// How long each of `n` waits before it, to whom a round takes `alone` when no other is there. What one finds there
    /// is what stands there on average, but for himself (Schweitzer, *Approximate analysis of multiclass closed
    /// networks of queues*, 1979), and of the visit that is going on what is left: for a single section a quadratic equation.
    pub(super) fn wait(&self, n: f64, alone: f64) -> f64 {
        let Section { length, left } = *self;
        let think = (alone - length).max(0.0);
        let spare = think - length * n;
        let room = length * think - length * length * (n - 1.0) * (1.0 - left);
        ((spare * spare + 4.0 * room).max(0.0).sqrt() - spare) / 2.0 - length
    }
}
