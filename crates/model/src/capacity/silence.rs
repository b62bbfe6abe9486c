//! Why the oracle says nothing.

use std::fmt;

/// A reason to say nothing: each is a sentence, and where something can be done, it says what.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Silence {
    /// Nothing was seen that a node with work paid.
    NothingSeen,
    /// Too little was seen.
    TooFew {
        /// Round trips that were.
        trips: u64,
    },
    /// The store cannot tell what a round trip held it for.
    Untold,
    /// All was seen at one number of workers.
    NoVariation {
        /// Which.
        workers: f64,
    },
    /// Tasks take longer when more of them run, and not for want of cores.
    TasksSlow {
        /// From so many seconds with the fewest workers seen.
        from: f64,
        /// To so many with the most.
        to: f64,
    },
    /// Other programs use the cores, and it depends on them what there is for more workers.
    SharedCores {
        /// Cores that others kept busy.
        others: f64,
        /// Cores that there are.
        cores: f64,
    },
    /// Processes take turns at the store by looking again and again, and would have to so often that it costs.
    Contended {
        /// The share of what the store can do up to which something is said.
        share: f64,
    },
    /// What was seen does not add up: throughput would have to be another.
    Unaccounted {
        /// At so many workers.
        workers: f64,
        /// Tasks per second that were seen.
        seen: f64,
        /// Tasks per second that what is known of the system comes to.
        modelled: f64,
    },
    /// So far beyond what was seen that nothing would be more than a guess.
    TooFar {
        /// The most workers that can be spoken of.
        most: f64,
    },
    /// It would be known but for what tasks may share without its having shown so far.
    MayShare {
        /// Tasks per second if they share nothing.
        rate: f64,
        /// Where throughput may be otherwise.
        low: f64,
    },
    /// What decides there is not known well enough.
    TooWide {
        /// Where throughput may be.
        low: f64,
        /// See `low`.
        high: f64,
    },
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Silence::NothingSeen => write!(
                f,
                "no round trip was seen that was for this job alone: it was too short so far, or its nodes worked for \
                 other jobs as well"
            ),
            Silence::TooFew { trips } => {
                write!(f, "only {trips} round trips were seen while there was work: let it go on for a while")
            }
            Silence::Untold => {
                write!(
                    f,
                    "the store does not tell what a round trip holds it for, so waiting cannot be told from work"
                )
            }
            Silence::NoVariation { workers } => write!(
                f,
                "how costs grow shows only if the number of workers changes, and it was always {workers:.0}: start or stop a \
                 node for a few seconds"
            ),
            Silence::TasksSlow { from, to } => write!(
                f,
                "the tasks themselves slow down, from {} to {} each with more workers: they wait for something \
                 that divvy does not see",
                time(*from),
                time(*to)
            ),
            Silence::SharedCores { others, cores } => write!(
                f,
                "other programs kept {others:.1} of {cores:.0} cores busy: what they would leave to more workers nobody \
                 knows"
            ),
            Silence::Contended { share } => write!(
                f,
                "processes compete for the store, and above {:.0} % of what it can do they lose time to that which nobody \
                 has measured; workers of one process share their commits",
                share * 100.0
            ),
            Silence::Unaccounted { workers, seen, modelled } => write!(
                f,
                "with {workers:.0} workers {seen:.0} tasks/s were seen where the known costs come to {modelled:.0}: \
                 something else plays a part"
            ),
            Silence::TooFar { most } => {
                write!(
                    f,
                    "that is too far beyond what was seen: nothing is said of more than {most:.0} workers"
                )
            }
            Silence::MayShare { rate, low } => write!(
                f,
                "{rate:.0} tasks/s, unless tasks share something that has not shown yet, a lock or a service: then it may be \
                 as little as {low:.0}"
            ),
            Silence::TooWide { low, high } => write!(
                f,
                "it may be anything from {low:.0} to {high:.0} tasks/s: what decides there was not seen for long \
                 enough, or varies"
            ),
        }
    }
}

/// A time in the unit that suits it.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}
