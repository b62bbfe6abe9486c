//! The Universal Scalability Law: contention costs what grows with n, coherency what grows with n squared.

/// `X(n) = lambda n / (1 + alpha (n - 1) + beta n (n - 1))`.
///
/// Gunther, "Guerrilla Capacity Planning", 2007, in its three-parameter form, which needs no measurement at one worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// Contention: the share of the work that waits for one at a time. It bends the curve towards [`Usl::roof`].
    pub alpha: f64,
    /// Coherency: what each pair of workers costs. It bends the curve down again.
    pub beta: f64,
    /// Throughput of one worker, in whatever unit the measurements had.
    pub lambda: f64,
}

impl Usl {
    /// Throughput of `n` workers, in the unit of `lambda`.
    #[must_use]
    pub fn throughput(self, n: f64) -> f64 {
        self.lambda * self.speedup(n)
    }

    /// Throughput of `n` workers over that of one.
    #[must_use]
    pub fn speedup(self, n: f64) -> f64 {
        n / (1.0 + self.alpha * (n - 1.0) + self.beta * n * (n - 1.0))
    }

    /// Speed-up per worker, 1 at one worker.
    #[must_use]
    pub fn efficiency(self, n: f64) -> f64 {
        self.speedup(n) / n
    }

    /// The number of workers at which throughput is highest, `sqrt((1 - alpha)/beta)` and never below 1; None where
    /// the law has no peak because `beta` is 0.
    #[must_use]
    pub fn peak(self) -> Option<f64> {
        (self.beta > 0.0).then(|| ((1.0 - self.alpha).max(0.0) / self.beta).sqrt().max(1.0))
    }

    /// What throughput would approach without coherency: `lambda/alpha`, infinite without contention.
    #[must_use]
    pub fn roof(self) -> f64 {
        self.lambda / self.alpha
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_coherency_no_peak() {
        let law = Usl { alpha: 0.05, beta: 0.0, lambda: 3.0 };
        assert_eq!(law.peak(), None);
        assert!((law.roof() - 60.0).abs() < 1e-12);
        assert!(law.throughput(1e6) < law.roof());
        assert_eq!(Usl { alpha: 0.0, ..law }.roof(), f64::INFINITY);
    }

    #[test]
    fn neighbours_of_the_peak_are_lower() {
        let law = Usl { alpha: 0.02, beta: 2e-4, lambda: 1.0 };
        let peak = law.peak().unwrap();
        assert_eq!(peak, 70.0);
        assert!(law.throughput(peak) > law.throughput(peak - 1.0));
        assert!(law.throughput(peak) > law.throughput(peak + 1.0));
        assert_eq!(Usl { alpha: 0.5, beta: 2.0, lambda: 1.0 }.peak(), Some(1.0));
    }
}
