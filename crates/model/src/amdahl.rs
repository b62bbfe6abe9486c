//! Amdahl's and Gustafson's laws: what a serial share does to a fixed problem, and to one that grows.

/// The speed-up of a fixed problem of which the share `serial` cannot be divided.
///
/// Amdahl, "Validity of the single processor approach to achieving large scale computing capabilities", 1967.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Amdahl {
    /// Share of the work of one worker that only one can do at a time, `0.0..=1.0`.
    pub serial: f64,
}

impl Amdahl {
    /// `1 / (s + (1 - s)/n)`.
    #[must_use]
    pub fn speedup(self, n: f64) -> f64 {
        1.0 / (self.serial + (1.0 - self.serial) / n)
    }

    /// Speed-up per worker, 1 at one worker.
    #[must_use]
    pub fn efficiency(self, n: f64) -> f64 {
        self.speedup(n) / n
    }

    /// What no number of workers exceeds: `1/s`, infinite without a serial share.
    #[must_use]
    pub fn roof(self) -> f64 {
        1.0 / self.serial
    }

    /// How many workers reach the share `part` of the roof: `(1 - s)/s * part/(1 - part)`.
    ///
    /// None without a serial share, where there is no roof. The last tenth costs as many workers as the first nine
    /// tenths: that is the law's practical content.
    #[must_use]
    pub fn workers_for(self, part: f64) -> Option<f64> {
        (self.serial > 0.0).then(|| (1.0 - self.serial) / self.serial * part / (1.0 - part))
    }
}

/// The speed-up of a problem that grows with the workers, so that the serial part takes the share `serial` of the
/// *parallel* run.
///
/// Gustafson, "Reevaluating Amdahl's law", CACM 31(5), 1988.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gustafson {
    /// Share of the elapsed time at `n` workers that is serial, `0.0..=1.0`.
    pub serial: f64,
}

impl Gustafson {
    /// `n - s (n - 1)`.
    #[must_use]
    pub fn speedup(self, n: f64) -> f64 {
        n - self.serial * (n - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_in_series_stops_at_ten() {
        let law = Amdahl { serial: 0.1 };
        let speedups = [10.0, 100.0, 1_000.0].map(|n| (law.speedup(n) * 100.0).round() / 100.0);
        assert_eq!(speedups, [5.26, 9.17, 9.91]);
        assert_eq!(law.roof(), 10.0);
        let half = law.workers_for(0.5).unwrap();
        assert!((law.speedup(half) - 5.0).abs() < 1e-12, "{half}");
        assert_eq!(Amdahl { serial: 0.0 }.workers_for(0.5), None);
    }

    #[test]
    fn gustafson_grows_without_a_roof() {
        let law = Gustafson { serial: 0.1 };
        assert!((law.speedup(1_000.0) - 900.1).abs() < 1e-9);
        assert_eq!(law.speedup(1.0), 1.0);
    }
}
