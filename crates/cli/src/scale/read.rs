//! Measurements from a file: two columns, however they are called and divided.

use super::workers::WORKERS_MAX;
use divvy_model::fit::Point;
use std::fmt;

/// What the column of workers may be called.
const WORKERS: &[&str] = &[
    "n",
    "workers",
    "threads",
    "nodes",
    "clients",
    "concurrency",
    "users",
    "cores",
    "cpus",
    "processes",
    "p",
    "parameter_n",
];
/// What the column of throughput may be called.
const THROUGHPUT: &[&str] =
    &["x", "x(n)", "throughput", "rate", "ops", "tps", "qps", "rps", "ops/s", "req/s"];

/// Why a file has no measurements. `line` counts from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is a header, and this column is not in it.
    NoColumn {
        /// The line of the header.
        line: usize,
        /// Which one is missing.
        name: &'static str,
        /// Those that are there.
        found: Vec<String>,
    },
    /// A line has too few fields.
    Short {
        /// Which line.
        line: usize,
        /// How many fields it should have.
        fields: usize,
    },
    /// Bare columns, and not two of them.
    Bare {
        /// Which line.
        line: usize,
        /// How many there are.
        fields: usize,
    },
    /// A field that is no number.
    Text {
        /// Which line.
        line: usize,
        /// What the column is.
        what: &'static str,
        /// The field.
        text: String,
    },
    /// A number that is no number of workers and no throughput.
    Value {
        /// Which line.
        line: usize,
        /// What the column is.
        what: &'static str,
        /// The field.
        text: String,
    },
    /// More workers than there may be.
    Many {
        /// Which line.
        line: usize,
        /// The field.
        text: String,
    },
    /// Nothing is there.
    Empty,
}

/// Where the two columns are.
struct Columns {
    n: usize,
    x: usize,
    fields: usize,
    /// Without a header.
    bare: bool,
}

/// The measurements of a text.
///
/// # Errors
/// [`ReadError`], with the line.
pub fn points(text: &str) -> Result<Vec<Point>, ReadError> {
    let mut columns = None;
    let mut points = Vec::new();
    // A mark that some programs put in front of everything.
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = (at + 1, line.split('#').next().unwrap_or_default().trim());
        if line.1.is_empty() {
            continue;
        }
        let fields = fields(line.1);
        let Some(known) = &columns else {
            let (found, is_header) = Columns::of(line.0, &fields)?;
            if !is_header {
                points.push(found.point(line.0, &fields)?);
            }
            columns = Some(found);
            continue;
        };
        points.push(known.point(line.0, &fields)?);
    }
    if points.is_empty() { Err(ReadError::Empty) } else { Ok(points) }
}

/// The first of these that the line has divides it.
fn fields(line: &str) -> Vec<&str> {
    let divided: Vec<&str> = match [';', '\t', ','].into_iter().find(|c| line.contains(*c)) {
        Some(by) => line.split(by).collect(),
        None => line.split_whitespace().collect(),
    };
    divided.into_iter().map(|field| field.trim().trim_matches(['"', '`', '\'']).trim()).collect()
}

/// A number, with a decimal point or, where commas do not divide the columns, a decimal comma.
fn parsed(field: &str) -> Option<f64> {
    field.parse().ok().or_else(|| field.replacen(',', ".", 1).parse().ok())
}

impl Columns {
    /// By the first line; also whether that is a header.
    fn of(line: usize, fields: &[&str]) -> Result<(Columns, bool), ReadError> {
        let is_number = |field: &&str| parsed(field).is_some();
        if fields.iter().any(is_number) {
            return match fields.len() {
                2 => Ok((Columns { n: 0, x: 1, fields: 2, bare: true }, false)),
                fields => Err(ReadError::Bare { line, fields }),
            };
        }
        let names: Vec<_> = fields.iter().map(|field| field.to_lowercase()).collect();
        // In the order of the list: `n` goes before `cores`.
        let find = |known: &[&'static str]| {
            let place = known.iter().find_map(|name| names.iter().position(|field| field == name));
            place.ok_or_else(|| ReadError::NoColumn { line, name: known[0], found: names.clone() })
        };
        let (n, x) = (find(WORKERS)?, find(THROUGHPUT)?);
        Ok((Columns { n, x, fields: n.max(x) + 1, bare: false }, true))
    }

    fn point(&self, line: usize, fields: &[&str]) -> Result<Point, ReadError> {
        if self.bare && fields.len() != self.fields {
            return Err(ReadError::Bare { line, fields: fields.len() });
        }
        if fields.len() < self.fields {
            return Err(ReadError::Short { line, fields: self.fields });
        }
        let value = |at: usize, what: &'static str| {
            let text = fields[at];
            let value = parsed(text).ok_or_else(|| ReadError::Text { line, what, text: text.into() })?;
            let is_fit = value.is_finite() && value > 0.0;
            is_fit.then_some(value).ok_or_else(|| ReadError::Value { line, what, text: text.into() })
        };
        let n = value(self.n, "number of workers")?;
        if n > WORKERS_MAX as f64 {
            return Err(ReadError::Many { line, text: fields[self.n].into() });
        }
        Ok(Point::new(n, value(self.x, "throughput")?))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::lang::Shown;
        match self {
            ReadError::NoColumn { line, name, found } => write!(
                f,
                "line {line}: the header has no column `{name}`, only {}: call the workers n and the throughput x",
                found.iter().map(|name| Shown(name.as_bytes()).to_string()).collect::<Vec<_>>().join(", ")
            ),
            ReadError::Short { line, fields } => {
                write!(
                    f,
                    "line {line}: {fields} columns are needed by the header: complete it or take it out"
                )
            }
            ReadError::Bare { line, fields } => write!(
                f,
                "line {line}: {fields} columns where two are expected, workers and throughput: with more of them, \
                 or in another order, begin with a header that names n and x"
            ),
            ReadError::Text { line, what, text } => write!(
                f,
                "line {line}: the {what} is {}, which is no number: correct it or take the line out",
                Shown(text.as_bytes())
            ),
            ReadError::Value { line, what, text } => write!(
                f,
                "line {line}: the {what} is {text}, and has to be a finite number above zero: leave out runs that failed"
            ),
            ReadError::Many { line, text } => {
                write!(f, "line {line}: {text} is more than {WORKERS_MAX} workers: is this the right column?")
            }
            ReadError::Empty => {
                f.write_str("no measurements in it: lines of workers and throughput, as in 4,3100")
            }
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(f64, f64)> {
        points(text).unwrap().iter().map(|point| (point.n, point.x)).collect()
    }

    #[test]
    fn columns_are_found_however_they_are_written() {
        let expected = [(1.0, 10.0), (2.0, 19.5)];
        for text in [
            "n,x\n1,10\n2,19.5\n",
            "x,n\r\n10,1\r\n19.5,2\r\n",
            "host; x ;N\na;10;1\nb;19.5;2\n",
            "1\t10\n2\t19.5",
            "  1   10\n  2   1.95e1\n",
            "# measured today\nn x # and a note\n\n1 10\n2 19.5 # twice\n",
            "\u{feff}\"n\",\"x\"\n\"1\",\"10\"\n2,19.5\n",
            "threads,throughput\n1,10\n2,19.5",
            "N,X(N)\n1,10\n2,19.5",
            "`N`,`X`\n1,10\n2,19.5",
            "n;x\n1;10\n2;19,5",
            "1\t10,0\n2\t19,5",
        ] {
            assert_eq!(pairs(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let said = |text: &str| points(text).unwrap_err().to_string();
        for (text, words) in [
            ("n,x\n1,10\n2,fast\n", &["line 3", "throughput", "`fast`"][..]),
            ("1,10\n2,fast\n", &["line 2", "`fast`"]),
            ("n,x\n1,10\n\n# no\n0,19\n", &["line 5", "workers is 0"]),
            ("n,x\n1,-3\n", &["line 2", "throughput is -3"]),
            ("n,x\n1,nan\n", &["line 2", "a finite number above zero"]),
            ("n;x\n1;1,2,3\n", &["line 2", "`1,2,3`"]),
            ("n,x\n1\n", &["line 2", "2 columns"]),
            ("n,x\n1,10\n2e9,10\n", &["line 3", "2e9 is more than 1000000000"]),
            ("1,2,3\n", &["line 1", "3 columns", "header"]),
            ("1,2\n1,2,3\n", &["line 2", "3 columns"]),
            ("n,speed\n1,2\n", &["line 1", "`x`", "`speed`"]),
            ("", &["no measurements"]),
            ("n,x\n", &["no measurements"]),
        ] {
            let said = said(text);
            assert!(words.iter().all(|word| said.contains(word)), "{text:?}: {said}");
        }
    }
}
