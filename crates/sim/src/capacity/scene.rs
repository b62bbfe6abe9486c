//! The systems that are simulated.
//!
//! A scene is given for ten workers seen. With more of them tasks take as many times longer, and what each worker adds to a
//! round trip is as many times less: so the store is as busy as before, and what is limited is limited at the same multiple
//! of the workers seen.

/// What a task does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Work {
    /// Nothing that others feel.
    Sleeps,
    /// Needs a core, of which there are so many for each worker seen.
    Computes(f64),
    /// The last so many microseconds in a section that one task at a time may enter.
    Queues(f64),
}

/// How the workers that are seen come and go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Crowd {
    /// One node after the other joins.
    Joins,
    /// Nodes leave and join at random, so that 15 to 85 % are there.
    Swings,
}

/// How long fsyncs take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fsync {
    /// From half to one and a half times the mean.
    Even,
    /// Lognormal, sigma 1.
    Tailed,
    /// The same, and for seconds on end three times as long.
    Moody,
}

/// What holds the store, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) base: f64,
    /// For each worker there is.
    pub(super) each: f64,
    pub(super) commit: f64,
    pub(super) fsync: Fsync,
    /// Whether all that wait share a commit.
    pub(super) shares: bool,
    /// By how much of itself longer where all that is outside keeps it as busy as can be. How busy it does changes with
    /// the workers that are there while these swing.
    pub(super) outside: f64,
}

/// One system.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) shown: &'static str,
    pub(super) hold: Hold,
    pub(super) work: Work,
    pub(super) crowd: Crowd,
    /// Workers of a node.
    pub(super) workers: usize,
    /// Most tasks in a lease, 0 for as many as the node likes.
    pub(super) lease: u64,
}

/// Workers seen that figures of a scene are for.
const BASE: f64 = 10.0;
/// A task's mean time with so many.
const TASK_US: f64 = 20_000.0;

const fn hold(base: f64, each: f64, commit: f64) -> Hold {
    Hold { base, each, commit, fsync: Fsync::Even, shares: false, outside: 0.0 }
}

const PLAIN: Scene = Scene {
    name: "neither",
    shown: "round trips of 0.05 ms",
    hold: hold(50.0, 0.0, 0.0),
    work: Work::Sleeps,
    crowd: Crowd::Joins,
    workers: 1,
    lease: 1,
};

/// 0.2 ms, and as much more as lets the store be full with 25 workers.
const GROWING: Hold = hold(200.0, 24.0, 0.0);
/// A group of those that wait shares an fsync of 4 ms.
const GROUP: Hold = Hold { shares: true, ..hold(200.0, 0.0, 4_000.0) };
/// An fsync for each.
const LONELY: Hold = hold(100.0, 0.0, 700.0);

pub(super) const SCENES: [Scene; 20] = [
    PLAIN,
    Scene { name: "fixed", shown: "0.8 ms", hold: hold(800.0, 0.0, 0.0), ..PLAIN },
    Scene {
        name: "fixed-full",
        shown: "3 ms: full before all are there",
        hold: hold(3_000.0, 0.0, 0.0),
        ..PLAIN
    },
    Scene {
        name: "fixed-nodes",
        shown: "8 ms, nodes of five, leases of ten",
        hold: hold(8_000.0, 0.0, 0.0),
        workers: 5,
        lease: 10,
        ..PLAIN
    },
    Scene {
        name: "free",
        shown: "0.8 ms, leases as large as the node likes",
        hold: hold(800.0, 0.0, 0.0),
        lease: 0,
        ..PLAIN
    },
    Scene {
        name: "free-nodes",
        shown: "4 ms, nodes of five, leases as large as the node likes",
        hold: hold(4_000.0, 0.0, 0.0),
        workers: 5,
        lease: 0,
        ..PLAIN
    },
    Scene { name: "growing", shown: "0.2 ms and 24 us a worker", hold: GROWING, ..PLAIN },
    Scene {
        name: "growing-full",
        shown: "1 ms and 200 us a worker: full at eight",
        hold: hold(1_000.0, 200.0, 0.0),
        ..PLAIN
    },
    Scene { name: "group", shown: "0.2 ms, fsync 4 ms, shared", hold: GROUP, ..PLAIN },
    Scene {
        name: "tails",
        shown: "the same, lognormal",
        hold: Hold { fsync: Fsync::Tailed, ..GROUP },
        ..PLAIN
    },
    Scene {
        name: "tails-alone",
        shown: "0.1 ms, fsync 0.7 ms each, lognormal",
        hold: Hold { fsync: Fsync::Tailed, ..LONELY },
        ..PLAIN
    },
    Scene { name: "moods", shown: "shared, and moods", hold: Hold { fsync: Fsync::Moody, ..GROUP }, ..PLAIN },
    Scene {
        name: "moods-alone",
        shown: "each its own, and moods",
        hold: Hold { fsync: Fsync::Moody, ..LONELY },
        ..PLAIN
    },
    Scene {
        name: "swing-fixed",
        shown: "0.8 ms",
        hold: hold(800.0, 0.0, 0.0),
        crowd: Crowd::Swings,
        ..PLAIN
    },
    Scene {
        name: "swing-growing",
        shown: "0.2 ms and 24 us a worker",
        hold: GROWING,
        crowd: Crowd::Swings,
        ..PLAIN
    },
    Scene {
        name: "outside-fixed",
        shown: "0.8 ms, up to 80 % more when others are busy, and they are when we are",
        hold: Hold { outside: 0.8, ..hold(800.0, 0.0, 0.0) },
        crowd: Crowd::Swings,
        ..PLAIN
    },
    Scene {
        name: "outside-growing",
        shown: "0.2 ms and 24 us a worker, the same",
        hold: Hold { outside: 0.8, ..GROWING },
        crowd: Crowd::Swings,
        ..PLAIN
    },
    Scene {
        name: "cores",
        shown: "tasks that compute, two cores for each worker seen",
        work: Work::Computes(2.0),
        ..PLAIN
    },
    Scene { name: "cores-full", shown: "the same, half a core", work: Work::Computes(0.5), ..PLAIN },
    Scene { name: "hidden", shown: "0.8 ms of a task in a section", work: Work::Queues(800.0), ..PLAIN },
];

/// Times in nanoseconds.
impl Scene {
    /// The same for so many workers seen.
    pub(super) fn sized(&self, seen: usize) -> Scene {
        Scene { hold: Hold { each: self.hold.each * BASE / seen as f64, ..self.hold }, ..*self }
    }

    /// A task's mean time with so many seen.
    pub(super) fn task_ns(seen: usize) -> f64 {
        TASK_US * 1e3 * seen as f64 / BASE
    }

    /// Cores that there are.
    pub(super) fn cores(&self, seen: usize) -> f64 {
        match self.work {
            Work::Computes(each) => (each * seen as f64).round(),
            Work::Sleeps | Work::Queues(_) => 0.0,
        }
    }

    /// Whether what the store costs changes over time, so that only a long time has a mean.
    pub(super) fn varies(&self) -> bool {
        self.hold.fsync == Fsync::Moody || self.hold.outside > 0.0
    }
}
