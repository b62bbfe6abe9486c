//! Telling what was set by measurements.

use super::Node;
use crate::event::Action;
use crate::size::Sized;
use crate::tuned::{Knob, Tuned, Why, is_told};
use divvy_store::Claim;

impl Node {
    /// Tells of the settings that have changed, as this claim goes out or none.
    pub(super) fn tell_tuned(&mut self, claim: Option<&Claim>, out: &mut Vec<Action>) {
        self.tell_sizes(claim, out);
        let (from, to) = (self.told_report_every, self.report_every());
        if is_told(from, to) {
            self.told_report_every = to;
            let why = Why::Reports { round_trip_ns: self.round_trip_ns() as u64 };
            out.push(Action::Tuned(Tuned { what: Knob::ReportEvery, from, to, why }));
        }
    }

    /// Of a job with several classes the first that it wants stands for all.
    fn tell_sizes(&mut self, claim: Option<&Claim>, out: &mut Vec<Action>) {
        let mut last = None;
        // What a stuck node misses is one task, whatever the sizes are.
        let wants = claim.into_iter().filter(|claim| claim.below.is_none()).flat_map(|claim| &claim.wants);
        for want in wants.filter(|want| want.tasks > 0) {
            if last.replace(want.job) == Some(want.job) {
                continue;
            }
            let Some(job) = self.jobs.get(&want.job) else { continue };
            let Some(view) = job.view.as_ref().filter(|_| is_told(job.told_size, want.tasks)) else {
                continue;
            };
            let class = view.classes.get(want.class as usize);
            let (claimable, workers) = match class {
                Some(class) => (class.claimable, self.at_once(&class.demand)),
                None => (view.claimable, self.cfg.workers),
            };
            let Sized { by, .. } = self.sized(job, claimable, workers);
            let task_ns = job.task_ns.get().map(|ns| ns as u64);
            let why = Why::Size { by, task_ns, round_trip_ns: self.round_trip_ns() as u64 };
            let (what, from, to) = (Knob::Lease(want.job), job.told_size, want.tasks);
            out.push(Action::Tuned(Tuned { what, from, to, why }));
            self.jobs.entry(want.job).and_modify(|job| job.told_size = to);
        }
    }
}
