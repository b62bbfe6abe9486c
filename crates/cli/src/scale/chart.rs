//! A chart of letters: throughput over workers, what was measured and what the law says.

use super::study::Study;
use crate::figures::number;

/// Columns and lines of the plane.
const WIDTH: usize = 64;
const HEIGHT: usize = 14;
/// From this ratio of most to fewest workers on, each doubling has the same width.
const LOGARITHMIC: f64 = 8.0;
/// Columns between two numbers below the plane.
const LABEL_GAP: usize = 1;

/// How numbers of workers are laid out from left to right. Drawings use it as well.
#[derive(Debug, Clone, Copy)]
pub struct Across {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Across {
    /// From the fewest to the most.
    pub fn new(from: f64, to: f64) -> Across {
        Across { from, to, logarithmic: to / from >= LOGARITHMIC }
    }

    /// Where a number of workers is, 0 to 1.
    pub fn place(self, n: f64) -> f64 {
        match self.logarithmic {
            _ if self.to <= self.from => 0.5,
            true => (n / self.from).ln() / (self.to / self.from).ln(),
            false => (n - self.from) / (self.to - self.from),
        }
    }

    /// The number of workers at a place.
    pub fn at(self, place: f64) -> f64 {
        match self.logarithmic {
            true => self.from * (self.to / self.from).powf(place),
            false => self.from + place * (self.to - self.from),
        }
    }
}

/// The chart, with a newline at the end of each line; nothing for a single number of workers.
pub fn text(study: &Study) -> String {
    let (Some(first), Some(last)) = (study.rows.first(), study.rows.last()) else { return String::new() };
    if first.n == last.n {
        return String::new();
    }
    let across = Across::new(first.n, last.n);
    let top = study.rows.iter().map(|row| row.high.max(row.predicted.unwrap_or(0.0))).fold(0.0, f64::max);
    let mut plane = vec![[' '; WIDTH]; HEIGHT];
    let column = |n: f64| (across.place(n) * (WIDTH - 1) as f64).round() as usize;
    let line = |x: f64| HEIGHT - 1 - ((x / top).clamp(0.0, 1.0) * (HEIGHT - 1) as f64).round() as usize;
    if let Some(curve) = study.fit.as_ref().ok().and_then(|fit| fit.curve) {
        let predicted = |at: usize| curve.throughput(across.at(at as f64 / (WIDTH - 1) as f64));
        (0..WIDTH).for_each(|at| plane[line(predicted(at))][at] = '.');
    }
    for row in &study.rows {
        for between in &mut plane[line(row.high)..=line(row.low)] {
            between[column(row.n)] = '|';
        }
        plane[line(row.x)][column(row.n)] = 'o';
    }
    drawn(&plane, top) + &labels(study, column)
}

fn drawn(plane: &[[char; WIDTH]], top: f64) -> String {
    let at = [
        (0, number(top)),
        (HEIGHT / 2, number(top * (1.0 - (HEIGHT / 2) as f64 / (HEIGHT - 1) as f64))),
        (HEIGHT - 1, "0".into()),
    ];
    let mut out = String::new();
    for (number, line) in plane.iter().enumerate() {
        let label = at.iter().find(|(at, _)| *at == number).map_or("", |(_, label)| label);
        let line: String = line.iter().collect();
        out += &format!("{label:>10} |{}\n", line.trim_end());
    }
    out + &format!("{:>10} +{}\n", "", "-".repeat(WIDTH))
}

/// The numbers of workers below the plane, as many as have room.
fn labels(study: &Study, column: impl Fn(f64) -> usize) -> String {
    let mut line = String::new();
    for row in &study.rows {
        let text = number(row.n);
        let at = column(row.n).saturating_sub(text.len() / 2);
        if line.is_empty() || at >= line.len() + LABEL_GAP {
            line = format!("{line:<at$}{text}");
        }
    }
    let key = if study.fit.as_ref().is_ok_and(|fit| fit.curve.is_some()) {
        "o measured, . the law"
    } else {
        "o measured"
    };
    format!("{:>11} {line}\n{:>11} workers; {key}\n", "", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use divvy_model::fit::Point;

    #[test]
    fn places_are_even_by_doublings_or_by_numbers() {
        let wide = Across::new(1.0, 64.0);
        assert!((wide.place(8.0) - 0.5).abs() < 1e-12 && (wide.at(0.5) - 8.0).abs() < 1e-12);
        let narrow = Across::new(1.0, 5.0);
        assert!((narrow.place(3.0) - 0.5).abs() < 1e-12 && (narrow.at(0.5) - 3.0).abs() < 1e-12);
    }

    #[test]
    fn each_measurement_has_its_letter() {
        let points = [1.0, 2.0, 4.0, 8.0].map(|n| Point::new(n, 10.0 * n)).to_vec();
        let study = Study::of_points("test".into(), points, 1).unwrap();
        let chart = text(&study);
        assert_eq!(chart.lines().take(HEIGHT).filter(|line| line.contains('o')).count(), 4, "{chart}");
        assert!(chart.contains("80 |") && chart.contains("workers; o measured, . the law"), "{chart}");
        let below = chart.lines().nth(HEIGHT + 1).unwrap();
        assert_eq!(below.split_whitespace().collect::<Vec<_>>(), ["1", "2", "4", "8"]);
    }
}
