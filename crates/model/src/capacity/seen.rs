//! What was seen of a system at work: the oracle's input.

/// How often, how much on average, and how it scattered.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// How many values.
    pub count: f64,
    /// Their mean.
    pub mean: f64,
    /// Their variance.
    pub variance: f64,
}

impl Moments {
    /// From the number of values, their sum and the sum of their squares.
    #[must_use]
    pub fn of(count: f64, sum: f64, squares: f64) -> Moments {
        if count <= 0.0 {
            return Moments::default();
        }
        let mean = sum / count;
        Moments { count, mean, variance: (squares / count - mean * mean).max(0.0) }
    }
}

/// What was seen during a stretch of time while so many workers were active. Times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Level {
    /// Workers that were active, on average.
    pub workers: f64,
    /// Round trips of which the store told the cost.
    pub trips: f64,
    /// Tasks that a round trip reported, on average.
    pub tasks: f64,
    /// Worker-seconds from the end of one round trip of a node to the end of its next, on average.
    pub own: f64,
    /// What a round trip held the store for, alone, as far as it was usual.
    pub work: Moments,
    /// What it held it for beyond that: stalls, 0 but for a few.
    pub work_beyond: Moments,
    /// What it held the store for together with those in its group, as far as it was usual.
    pub commit: Moments,
    /// What it held it for beyond that.
    pub commit_beyond: Moments,
    /// How many were in its group, on average.
    pub group: f64,
    /// How often it found the store in use by another process and looked again, on average.
    pub retries: f64,
    /// How long a task ran.
    pub task: Moments,
    /// CPU time for a task, with all that goes with it.
    pub cpu: f64,
    /// Cores that all programs on the machine kept busy.
    pub busy: f64,
}

impl Level {
    /// Tasks per second of all workers.
    pub(super) fn rate(&self) -> f64 {
        self.workers * self.tasks / self.own
    }

    /// For how long it was seen, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.trips * self.own / self.workers
    }
}

/// What was seen of a system, and what is known of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seen {
    /// By active workers, ascending; as often as there were stretches of time with so many, so that what varies over time shows.
    pub levels: Vec<Level>,
    /// Workers of a node: what is added is another such node.
    pub node: f64,
    /// Cores that all of them share; 0 if each node brings its own.
    pub cores: f64,
    /// Most tasks in a lease. `None`: leases grow with the price of a round trip, so that it never matters.
    pub lease_max: Option<f64>,
    /// Round trips of which the store could not tell the cost.
    pub untold: f64,
}
