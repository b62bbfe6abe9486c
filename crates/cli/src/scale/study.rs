//! What is known of how something scales: measurements, the law that fits them, and what follows. One shape for
//! `divvy scale run` and `divvy scale fit`, so that both tell it alike.

use super::advice;
use super::ladder::{Rung, Typical};
use super::limit::{Limit, limit};
use super::machines::Machines;
use anyhow::Result;
use divvy_model::fit::{Fit, Options, Point, fit};
use divvy_model::machines::Machine;
use divvy_model::{Error, Law, median};

/// Everything there is to tell.
pub struct Study {
    /// What was measured, in a few words.
    pub title: String,
    /// What throughput is counted in; empty where nobody said.
    pub unit: &'static str,
    /// By number of workers.
    pub rows: Vec<Row>,
    /// Each measurement for itself, in the order of the rows.
    pub points: Vec<Point>,
    /// The laws, or why none is fitted.
    pub fit: Result<Fit, Error>,
    /// What efficiency is measured against.
    pub alone: Alone,
    /// What limits it, where processes were measured.
    pub limit: Option<Limit>,
    /// What was run, where something was.
    pub sweep: Option<Sweep>,
    /// What machines would do and cost.
    pub machines: Option<Machines>,
    /// Sentences on what to do.
    pub advice: Vec<String>,
}

/// What was run.
pub struct Sweep {
    /// The command as it was given.
    pub command: String,
    /// What throughput is, in a sentence.
    pub assumption: &'static str,
    /// Processors that may be used.
    pub cores: u64,
    /// What the order was drawn from.
    pub seed: u64,
    /// Somebody stopped it.
    pub interrupted: bool,
    /// The numbers of workers that were asked for.
    pub asked: Vec<u64>,
    /// What came of them.
    pub rungs: Vec<Rung>,
}

/// One number of workers.
#[derive(Debug, Clone)]
pub struct Row {
    /// How many.
    pub n: f64,
    /// Throughput: the middle of the runs.
    pub x: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
    /// How many runs.
    pub runs: usize,
    /// What the law says.
    pub predicted: Option<f64>,
    /// `x` over `n` times what one worker does alone.
    pub efficiency: f64,
    /// What a run took of the machine.
    pub cost: Option<Typical>,
}

/// What one worker does alone, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alone {
    /// It was measured.
    Measured(f64),
    /// The law says so.
    Law(f64),
    /// By the fewest workers that were measured: so many of them.
    Fewest(f64, f64),
}

impl Alone {
    /// The throughput.
    pub fn rate(self) -> f64 {
        match self {
            Alone::Measured(rate) | Alone::Law(rate) | Alone::Fewest(rate, _) => rate,
        }
    }
}

impl Study {
    /// Of measurements made elsewhere.
    ///
    /// # Errors
    /// If no law can be fitted to them.
    pub fn of_points(title: String, points: Vec<Point>, seed: u64) -> Result<Study, Error> {
        let found = fitted(&points, seed)?;
        Ok(Study::new(title, "", points, Ok(found), None))
    }

    /// Of a program that was run. With one or two numbers of workers there is no law, but still something to tell.
    pub fn of_sweep(sweep: Sweep, unit: &'static str, seed: u64) -> Study {
        let points = sweep
            .rungs
            .iter()
            .flat_map(|rung| rung.counted().iter().map(|sample| Point::new(rung.n as f64, sample.rate)));
        let points: Vec<_> = points.collect();
        let found = fitted(&points, seed);
        Study::new(sweep.command.clone(), unit, points, found, Some(sweep))
    }

    /// The same with what these machines would do and cost, at as much power as so many workers, or the most that were
    /// measured. Without a law there is nothing to say of them but that.
    #[must_use]
    pub fn compare(mut self, kinds: Vec<Machine>, power: Option<f64>) -> Study {
        if kinds.is_empty() {
            return self;
        }
        let curve = self.fit.as_ref().ok().and_then(|fit| fit.curve);
        let (Some(curve), Some(last)) = (curve, self.rows.last()) else {
            self.advice
                .push("machines are not compared: without a law nobody knows what more of them do".into());
            return self;
        };
        let most = self.rows.iter().filter_map(|row| row.predicted).fold(0.0, f64::max);
        self.machines = Some(Machines::compare(kinds, curve, power.unwrap_or(last.n), most));
        self
    }

    fn new(
        title: String,
        unit: &'static str,
        mut points: Vec<Point>,
        fit: Result<Fit, Error>,
        sweep: Option<Sweep>,
    ) -> Study {
        points.sort_by(|a, b| a.n.total_cmp(&b.n));
        let rungs = sweep.as_ref().map_or(&[][..], |sweep| &sweep.rungs);
        let costs: Vec<_> = rungs.iter().filter_map(Rung::typical).collect();
        let alone = alone(&points, fit.as_ref().ok());
        let rows = rows(&points, fit.as_ref().ok(), alone, &costs);
        let limit = sweep.as_ref().and_then(|sweep| limit(&costs, sweep.cores));
        let mut study =
            Study { title, unit, rows, points, fit, alone, limit, sweep, machines: None, advice: Vec::new() };
        study.advice = advice::of(&study);
        study
    }

    /// Whether the law goes through all points because it has as many numbers as there are points: then nothing is left
    /// to tell chance by, and an interval says nothing.
    pub fn is_exact(&self) -> bool {
        self.points.len() <= Law::Usl.parameters()
    }

    /// A throughput with its unit.
    pub fn rate(&self, x: f64) -> String {
        format!("{} {}", crate::figures::number(x), self.unit).trim_end().to_owned()
    }
}

fn fitted(points: &[Point], seed: u64) -> Result<Fit, Error> {
    let mut options = Options::default();
    options.seed = seed;
    fit(points, &options)
}

fn alone(points: &[Point], fit: Option<&Fit>) -> Alone {
    let of_n = |n: f64| median(points.iter().filter(|point| point.n == n).map(|point| point.x));
    match (points.first(), fit) {
        (Some(first), _) if first.n == 1.0 => Alone::Measured(of_n(1.0)),
        (_, Some(Fit { curve: Some(curve), .. })) => Alone::Law(curve.lambda()),
        (Some(first), _) => Alone::Fewest(of_n(first.n) / first.n, first.n),
        (None, _) => Alone::Fewest(f64::NAN, f64::NAN),
    }
}

/// The points by number of workers; they are sorted.
fn rows(points: &[Point], fit: Option<&Fit>, alone: Alone, costs: &[Typical]) -> Vec<Row> {
    let of_one = |runs: &[Point]| {
        let n = runs[0].n;
        let rates = || runs.iter().map(|point| point.x);
        let x = median(rates());
        Row {
            n,
            x,
            low: rates().fold(f64::INFINITY, f64::min),
            high: rates().fold(0.0, f64::max),
            runs: runs.len(),
            predicted: fit.and_then(|fit| fit.predicted(n)),
            efficiency: x / (n * alone.rate()),
            cost: costs.iter().find(|cost| cost.n as f64 == n).copied(),
        }
    };
    points.chunk_by(|a, b| a.n == b.n).map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_what_was_measured() {
        let points = [(4.0, 30.0), (1.0, 9.0), (1.0, 10.0), (2.0, 19.0), (1.0, 10.5), (8.0, 50.0)];
        let points = points.map(|(n, x)| Point::new(n, x)).to_vec();
        let study = Study::of_points("test".into(), points, 1).unwrap();
        let rows: Vec<_> = study.rows.iter().map(|row| (row.n, row.runs)).collect();
        assert_eq!(rows, [(1.0, 3), (2.0, 1), (4.0, 1), (8.0, 1)]);
        let first = &study.rows[0];
        assert_eq!((first.low, first.x, first.high), (9.0, 10.0, 10.5));
        let fit = study.fit.as_ref().unwrap();
        for row in &study.rows {
            assert_eq!(row.predicted, fit.predicted(row.n));
            assert!((row.efficiency - row.x / (row.n * 10.0)).abs() < 1e-12);
        }
    }
}
