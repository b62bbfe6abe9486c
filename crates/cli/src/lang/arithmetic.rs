//! Arithmetic with one unknown, as users type it: `{n}*1000`, `1e6 / {n}`, `(1 + {n}) * 8`.
//!
//! Numbers, `{n}`, the four operations with their usual precedence, a minus sign in front, and parentheses.

use super::shown::{Shown, ShownByte};
use std::fmt;

/// How the unknown is written, here and in commands.
pub const UNKNOWN: &str = "{n}";

/// Parentheses and signs within one another; more is no arithmetic that anybody typed.
const DEPTH_MAX: usize = 64;

/// A formula that has been read.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A number.
    Number(f64),
    /// `{n}`.
    Unknown,
    /// A minus sign.
    Negative(Box<Formula>),
    /// Two formulas and what stands between them.
    Two(Box<Formula>, u8, Box<Formula>),
}

/// Why a text is no formula. `at` is a byte offset from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormulaError {
    /// A number, `{n}` or `(` is missing here.
    NoValue {
        /// Where.
        at: usize,
        /// What is there instead, if anything.
        found: Option<u8>,
    },
    /// Behind a value there is something that is no operation.
    NoOperation {
        /// Where.
        at: usize,
        /// What it is.
        found: u8,
    },
    /// A `(` without its `)`.
    Open {
        /// Where it is.
        at: usize,
    },
    /// Digits that are no number.
    Number {
        /// Where they are.
        at: usize,
        /// What they are.
        text: Vec<u8>,
    },
    /// Deeper than anybody means.
    Deep,
}

impl Formula {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`FormulaError`], with the place.
    pub fn parse(text: &[u8]) -> Result<Formula, FormulaError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        let formula = reader.sum()?;
        match reader.next() {
            None => Ok(formula),
            Some(found) => Err(FormulaError::NoOperation { at: reader.at, found }),
        }
    }

    /// Its value for an `n`. Not finite where it divides by zero.
    pub fn at(&self, n: f64) -> f64 {
        match self {
            Formula::Number(value) => *value,
            Formula::Unknown => n,
            Formula::Negative(of) => -of.at(n),
            Formula::Two(a, b'+', b) => a.at(n) + b.at(n),
            Formula::Two(a, b'-', b) => a.at(n) - b.at(n),
            Formula::Two(a, b'*', b) => a.at(n) * b.at(n),
            Formula::Two(a, _, b) => a.at(n) / b.at(n),
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    /// The next byte that is no space.
    fn next(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn sum(&mut self) -> Result<Formula, FormulaError> {
        self.row(b"+-", Self::product)
    }

    fn product(&mut self) -> Result<Formula, FormulaError> {
        self.row(b"*/", Self::value)
    }

    /// Values with operations of one rank between them, from left to right.
    fn row(
        &mut self,
        operations: &[u8],
        value: fn(&mut Self) -> Result<Formula, FormulaError>,
    ) -> Result<Formula, FormulaError> {
        let mut left = value(self)?;
        while let Some(operation) = self.next().filter(|b| operations.contains(b)) {
            self.at += 1;
            left = Formula::Two(Box::new(left), operation, Box::new(value(self)?));
        }
        Ok(left)
    }

    fn value(&mut self) -> Result<Formula, FormulaError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(FormulaError::Deep);
        }
        let found = self.next();
        let value = match found {
            Some(b'(') => self.parenthesis(),
            Some(b'-') => {
                self.at += 1;
                Ok(Formula::Negative(Box::new(self.value()?)))
            }
            Some(b'0'..=b'9' | b'.') => self.number(),
            _ if self.text[self.at..].starts_with(UNKNOWN.as_bytes()) => {
                self.at += UNKNOWN.len();
                Ok(Formula::Unknown)
            }
            _ => Err(FormulaError::NoValue { at: self.at, found }),
        };
        self.depth -= 1;
        value
    }

    fn parenthesis(&mut self) -> Result<Formula, FormulaError> {
        let at = self.at;
        self.at += 1;
        let inside = self.sum()?;
        match self.next() {
            Some(b')') => {
                self.at += 1;
                Ok(inside)
            }
            Some(found) => Err(FormulaError::NoOperation { at: self.at, found }),
            None => Err(FormulaError::Open { at }),
        }
    }

    fn number(&mut self) -> Result<Formula, FormulaError> {
        let at = self.at;
        while let Some(byte) = self.text.get(self.at) {
            // 1e-3 and 1e+3: a sign belongs to the number right behind its e.
            let is_sign = matches!(byte, b'+' | b'-') && matches!(self.text[self.at - 1], b'e' | b'E');
            if !(byte.is_ascii_digit()
                || matches!(byte, b'.' | b'_' | b'e' | b'E')
                || is_sign && self.at > at)
            {
                break;
            }
            self.at += 1;
        }
        let text = &self.text[at..self.at];
        let digits: String = text.iter().filter(|b| **b != b'_').map(|b| char::from(*b)).collect();
        digits.parse().map(Formula::Number).map_err(|_| FormulaError::Number { at, text: text.into() })
    }
}

impl fmt::Display for FormulaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const WRITE: &str = "write arithmetic with numbers and {n}, as in {n}*1000";
        match self {
            FormulaError::NoValue { at, found: None } => {
                write!(f, "a number or {{n}} is missing at byte {}: {WRITE}", at + 1)
            }
            FormulaError::NoValue { at, found: Some(byte) } => {
                write!(f, "{} at byte {} is no number and not {{n}}: {WRITE}", ShownByte(*byte), at + 1)
            }
            FormulaError::NoOperation { at, found } => {
                write!(f, "{} at byte {} is none of + - * /: {WRITE}", ShownByte(*found), at + 1)
            }
            FormulaError::Open { at } => write!(f, "the ( at byte {} has no )", at + 1),
            FormulaError::Number { at, text } => {
                write!(f, "{} at byte {} is no number: {WRITE}", Shown(text), at + 1)
            }
            FormulaError::Deep => write!(f, "more than {DEPTH_MAX} parentheses or signs: simplify it"),
        }
    }
}

impl std::error::Error for FormulaError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computes_as_people_do() {
        for (text, n, value) in [
            ("1000", 4.0, 1000.0),
            ("{n}*1000", 4.0, 4000.0),
            (" 1e6 / {n} ", 4.0, 250_000.0),
            ("1_000-{n}-{n}", 4.0, 992.0),
            ("2+3*{n}", 4.0, 14.0),
            ("(2+3)*{n}", 4.0, 20.0),
            ("-{n}+10", 4.0, 6.0),
            ("12/{n}/3", 2.0, 2.0),
            ("1e-3*{n}", 2.0, 0.002),
            (".5*{n}", 2.0, 1.0),
        ] {
            assert_eq!(Formula::parse(text.as_bytes()).unwrap().at(n), value, "{text}");
        }
        assert!(!Formula::parse(b"1/({n}-2)").unwrap().at(2.0).is_finite());
    }

    #[test]
    fn refuses_the_rest_with_its_place() {
        use FormulaError::*;
        for (text, expected) in [
            ("", NoValue { at: 0, found: None }),
            ("n*2", NoValue { at: 0, found: Some(b'n') }),
            ("2*", NoValue { at: 2, found: None }),
            ("+2", NoValue { at: 0, found: Some(b'+') }),
            ("2 3", NoOperation { at: 2, found: b'3' }),
            ("{n}k", NoOperation { at: 3, found: b'k' }),
            ("(2", Open { at: 0 }),
            ("2)", NoOperation { at: 1, found: b')' }),
            ("1.2.3", Number { at: 0, text: b"1.2.3".to_vec() }),
        ] {
            assert_eq!(Formula::parse(text.as_bytes()), Err(expected), "{text}");
        }
        assert_eq!(Formula::parse("(".repeat(100_000).as_bytes()), Err(Deep));
        assert_eq!(Formula::parse("-".repeat(100_000).as_bytes()), Err(Deep));
        let said = Formula::parse(b"{n}x2").unwrap_err().to_string();
        assert_eq!(
            said,
            "`x` at byte 4 is none of + - * /: write arithmetic with numbers and {n}, as in {n}*1000"
        );
    }
}
