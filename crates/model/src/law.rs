//! The laws that measurements are held against, and one shape for all of their curves.

use std::fmt;

use crate::usl::Usl;

/// A way in which throughput may grow with the number of workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Law {
    /// Every worker adds the same.
    Linear,
    /// A share of the work is done by one at a time: a roof that is approached and never reached.
    Amdahl,
    /// Contention and coherency: a roof, and a way down behind a peak.
    Usl,
    /// Every worker adds the same until a fixed limit is reached.
    Ceiling,
    /// Workers that think and then queue for one server: a closed queue, with a soft knee and no way down.
    Repairman,
}

impl Law {
    /// All of them, in the order of this page.
    pub const ALL: [Law; 5] = [Law::Linear, Law::Amdahl, Law::Usl, Law::Ceiling, Law::Repairman];

    /// One lower-case word, for tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Law::Linear => "linear",
            Law::Amdahl => "amdahl",
            Law::Usl => "usl",
            Law::Ceiling => "ceiling",
            Law::Repairman => "repairman",
        }
    }

    /// What it says about the throughput X of n workers.
    #[must_use]
    pub fn formula(self) -> &'static str {
        match self {
            Law::Linear => "X(n) = lambda n",
            Law::Amdahl => "X(n) = lambda n / (1 + alpha (n - 1))",
            Law::Usl => "X(n) = lambda n / (1 + alpha (n - 1) + beta n (n - 1))",
            Law::Ceiling => "X(n) = min(lambda n, C)",
            Law::Repairman => "X(n) = n / (Z + R(n)), R(n) = D (1 + X(n-1) R(n-1))",
        }
    }

    /// Where it comes from.
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Law::Linear => "proportion: no worker waits for another",
            Law::Amdahl => "Amdahl 1967, in terms of throughput",
            Law::Usl => "Gunther, Guerrilla Capacity Planning, 2007",
            Law::Ceiling => "asymptotic bounds: Denning and Buzen 1978",
            Law::Repairman => "machine repairman by mean value analysis: Reiser and Lavenberg 1980",
        }
    }

    /// How many numbers a fit of it has to find.
    #[must_use]
    pub fn parameters(self) -> usize {
        match self {
            Law::Linear => 1,
            Law::Amdahl | Law::Ceiling | Law::Repairman => 2,
            Law::Usl => 3,
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A law with its numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Curve {
    /// See [`Law::Linear`].
    Linear {
        /// Throughput of one worker.
        lambda: f64,
    },
    /// See [`Law::Amdahl`].
    Amdahl {
        /// The share of the work that one does at a time.
        alpha: f64,
        /// Throughput of one worker.
        lambda: f64,
    },
    /// See [`Law::Usl`].
    Usl(Usl),
    /// See [`Law::Ceiling`].
    Ceiling {
        /// Throughput of one worker.
        lambda: f64,
        /// The limit.
        ceiling: f64,
    },
    /// See [`Law::Repairman`].
    Repairman {
        /// Seconds a worker spends away from the server, for each task.
        think: f64,
        /// Seconds of the one server that each task takes.
        demand: f64,
    },
}

impl Curve {
    /// Which law it is of.
    #[must_use]
    pub fn law(self) -> Law {
        match self {
            Curve::Linear { .. } => Law::Linear,
            Curve::Amdahl { .. } => Law::Amdahl,
            Curve::Usl(_) => Law::Usl,
            Curve::Ceiling { .. } => Law::Ceiling,
            Curve::Repairman { .. } => Law::Repairman,
        }
    }

    /// Throughput of `n` workers.
    #[must_use]
    pub fn throughput(self, n: f64) -> f64 {
        match self {
            Curve::Linear { lambda } => lambda * n,
            Curve::Amdahl { alpha, lambda } => Usl { alpha, beta: 0.0, lambda }.throughput(n),
            Curve::Usl(usl) => usl.throughput(n),
            Curve::Ceiling { lambda, ceiling } => (lambda * n).min(ceiling),
            Curve::Repairman { think, demand } => crate::repairman::throughput(think, demand, n),
        }
    }

    /// What no number of workers exceeds under this law; infinite if there is no such limit.
    #[must_use]
    pub fn roof(self) -> f64 {
        match self {
            Curve::Linear { .. } => f64::INFINITY,
            Curve::Amdahl { alpha, lambda } => lambda / alpha,
            Curve::Usl(usl) => usl.peak().map_or(usl.roof(), |peak| usl.throughput(peak)),
            Curve::Ceiling { ceiling, .. } => ceiling,
            Curve::Repairman { demand, .. } => 1.0 / demand,
        }
    }

    /// Throughput of one worker.
    #[must_use]
    pub fn lambda(self) -> f64 {
        match self {
            Curve::Linear { lambda } | Curve::Amdahl { lambda, .. } => lambda,
            Curve::Usl(usl) => usl.lambda,
            Curve::Ceiling { lambda, ceiling } => lambda.min(ceiling),
            Curve::Repairman { think, demand } => 1.0 / (think + demand),
        }
    }

    /// Throughput of `n` workers over `n` times that of one.
    #[must_use]
    pub fn efficiency(self, n: f64) -> f64 {
        self.throughput(n) / (n * self.lambda())
    }
}
