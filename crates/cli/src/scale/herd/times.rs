//! The times in a log, whatever it looks like: seconds, milliseconds, ... since 1970 or since anything, ISO 8601, or the
//! common log format of web servers.

use regex::bytes::{Captures, Regex};
use std::fmt;
use std::sync::LazyLock;

/// 2026-11-22T09:28:46.5+01:00, also with a space or without a zone.
static ISO: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?\s?(Z|[+-]\d\d:?\d\d)?")
});
/// [10/Oct/2000:13:55:36 -0700]
static COMMON: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(\d\d)/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/(\d{4}):(\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?",
    )
});
/// The first column.
static NUMBER: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s*\[?(\d+(?:\.\d+)?)(?:[\s,;\]]|$)"));

const MONTHS: [&[u8]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// How a log writes its times. The first line that has one decides: a number elsewhere must not become a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// ISO 8601.
    Iso,
    /// Common log format.
    Common,
    /// A number that counts from 1970, or from anything, in so many parts of a second.
    Number(u32),
}

impl Format {
    /// The format of a line, if it has a time.
    pub fn of(line: &[u8]) -> Option<Format> {
        if ISO.is_match(line) {
            return Some(Format::Iso);
        }
        if COMMON.is_match(line) {
            return Some(Format::Common);
        }
        let number: f64 = text(NUMBER.captures(line)?.get(1)?.as_bytes()).parse().ok()?;
        // Seconds since 1970 have ten digits for centuries, milliseconds thirteen, and so on.
        Some(Format::Number(match number {
            1e17.. => 1_000_000_000,
            1e14.. => 1_000_000,
            1e11.. => 1_000,
            _ => 1,
        }))
    }

    /// The time of a line, seconds since 1970 (or since anything).
    pub fn time(self, line: &[u8]) -> Option<f64> {
        match self {
            Format::Iso => iso(&ISO.captures(line)?),
            Format::Common => common(&COMMON.captures(line)?),
            Format::Number(parts) => {
                let number: f64 = text(NUMBER.captures(line)?.get(1)?.as_bytes()).parse().ok()?;
                Some(number / f64::from(parts))
            }
        }
    }
}

impl Format {
    /// A time as people read it: the date in UTC, or the number where a log counts from something else.
    pub fn shown(self, at: f64) -> String {
        const FIRST: f64 = 1e8;
        if matches!(self, Format::Number(_)) && at < FIRST {
            return format!("{at:.3}");
        }
        let seconds = at.floor() as i64;
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let clock = seconds.rem_euclid(86_400);
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02}", clock / 3_600, clock / 60 % 60, clock % 60)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Iso => "ISO 8601",
            Format::Common => "common log format",
            Format::Number(1) => "seconds",
            Format::Number(1_000) => "milliseconds",
            Format::Number(1_000_000) => "microseconds",
            Format::Number(_) => "nanoseconds",
        })
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(&format!("(?-u){pattern}")).expect("a constant pattern")
}

/// What a pattern of digits and signs has matched.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("digits")
}

fn number(found: &Captures<'_>, group: usize) -> Option<i64> {
    text(found.get(group)?.as_bytes()).parse().ok()
}

fn iso(found: &Captures<'_>) -> Option<f64> {
    let of = |group| number(found, group);
    let fraction =
        found.get(7).map_or(Some(0.0), |digits| format!("0.{}", text(digits.as_bytes())).parse().ok())?;
    let day = days(of(1)?, of(2)?, of(3)?)?;
    let zone = found.get(8).map_or(0, |zone| zone_s(zone.as_bytes()));
    Some((day * 86_400 + clock_s(of(4)?, of(5)?, of(6)?)? - zone) as f64 + fraction)
}

fn common(found: &Captures<'_>) -> Option<f64> {
    let of = |group| number(found, group);
    let month = MONTHS.iter().position(|name| *name == &found[2])? as i64 + 1;
    let day = days(of(3)?, month, of(1)?)?;
    let zone = found.get(7).map_or(0, |zone| zone_s(zone.as_bytes()));
    Some((day * 86_400 + clock_s(of(4)?, of(5)?, of(6)?)? - zone) as f64)
}

fn clock_s(hour: i64, minute: i64, second: i64) -> Option<i64> {
    // 60 is a leap second.
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// How far a zone is ahead of UTC: `+0100`, `-07:00`, `Z`.
fn zone_s(zone: &[u8]) -> i64 {
    let digits: Vec<i64> = zone.iter().filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0')).collect();
    let [h, hh, m, mm] = digits[..] else { return 0 };
    let ahead = (h * 10 + hh) * 3_600 + (m * 10 + mm) * 60;
    if zone[0] == b'-' { -ahead } else { ahead }
}

/// Days from 1970-01-01, in the Gregorian calendar. The year begins in March here, so that the leap day is its last.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // Months from March on have 31, 30, 31, 30, 31 days, again and again: 153 in five of them.
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - 719_468)
}

/// The date of a day since 1970-01-01: the other way round.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA: i64 = 146_097; // days in 400 years
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + later, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(line: &str) -> Option<f64> {
        Format::of(line.as_bytes())?.time(line.as_bytes())
    }

    #[test]
    fn times_are_found_however_they_are_written() {
        for (line, seconds) in [
            ("1763803726", 1_763_803_726.0),
            ("1763803726.25 GET /", 1_763_803_726.25),
            ("1763803726250", 1_763_803_726.25),
            ("1763803726250000,x", 1_763_803_726.25),
            ("12.5", 12.5),
            ("2025-11-22T09:28:46Z", 1_763_803_726.0),
            ("level=info ts=2025-11-22 09:28:46.25 msg=x", 1_763_803_726.25),
            ("2025-11-22T10:28:46+01:00 x", 1_763_803_726.0),
            ("127.0.0.1 - - [22/Nov/2025:02:28:46 -0700] \"GET /\" 200 5", 1_763_803_726.0),
            ("1970-01-01T00:00:00Z", 0.0),
            ("2000-02-29T00:00:00Z", 951_782_400.0),
            ("1969-12-31T23:59:59Z", -1.0),
        ] {
            assert_eq!(time(line), Some(seconds), "{line}");
        }
    }

    #[test]
    fn dates_are_days_and_back() {
        for day in (-800_000..800_000).step_by(37) {
            let (year, month, date) = civil(day);
            assert_eq!(days(year, month, date), Some(day));
        }
        assert_eq!(Format::Iso.shown(951_782_400.5), "2000-02-29 00:00:00");
        assert_eq!(Format::Number(1).shown(12.5), "12.500");
    }

    #[test]
    fn other_lines_have_none() {
        for line in ["", "hello", "GET /a 200", "12:30 x", "2025-13-40T99:00:00Z", "v1.2.3"] {
            assert_eq!(time(line), None, "{line}");
        }
        // A number is no time in a log that writes its times in another way.
        assert_eq!(Format::Iso.time(b"1763803726"), None);
    }
}
