//! How figures look: four digits, groups of thousands, and units that fit.

/// A quantity in about four digits: `0.0134`, `12.3`, `1 885`, `2.031 M`.
pub fn number(value: f64) -> String {
    // What is a millionth part below a million is a million.
    let size = value.abs() * (1.0 + 1e-6);
    match size {
        _ if !value.is_finite() => if value.is_nan() { "?" } else { "infinite" }.into(),
        0.0 => "0".into(),
        1e15.. => format!("{value:.3e}"),
        1e9.. => format!("{} G", trimmed(value / 1e9, 3)),
        1e6.. => format!("{} M", trimmed(value / 1e6, 3)),
        1e3.. => grouped(value.round() as i64),
        1e-3.. => trimmed(value, (3 - size.log10().floor() as i32).max(0) as usize),
        _ => coefficient(value),
    }
}

/// A small number in three digits: `4.16e-7`, `0.0134`.
pub fn coefficient(value: f64) -> String {
    match value.abs() {
        0.0 => "0".into(),
        size if size >= 1e-3 => trimmed(value, (3 - size.log10().floor() as i32 - 1).max(0) as usize + 1),
        _ => format!("{value:.2e}"),
    }
}

/// Seconds in a unit that fits: `12.3 ms`, `850 ns`, `1.5 s`.
pub fn time(seconds: f64) -> String {
    let (unit, name) = match seconds.abs() {
        _ if !seconds.is_finite() => return number(seconds),
        ..1e-10 => return "0 s".into(),
        ..1e-6 => (1e-9, "ns"),
        ..1e-3 => (1e-6, "us"),
        ..1.0 => (1e-3, "ms"),
        ..600.0 => (1.0, "s"),
        ..36_000.0 => (60.0, "min"),
        _ => (3_600.0, "h"),
    };
    let value = seconds / unit;
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(0, 3) as usize;
    format!("{} {name}", trimmed(value, decimals))
}

/// A share in percent: two digits where it is small.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    match value.abs() {
        0.0 => "0 %".into(),
        size if size >= 10.0 => format!("{value:.0} %"),
        size if size >= 0.1 => format!("{} %", trimmed(value, 1)),
        size if size >= 0.001 => format!("{} %", trimmed(value, 3)),
        _ => format!("{value:.1e} %"),
    }
}

/// How full something is, in percent, with as many digits as it takes not to call full what is not.
pub fn filled(share: f64) -> String {
    let shown = percent(share);
    let left = 100.0 * (1.0 - share);
    if shown != "100 %" || left < 1e-6 {
        return shown;
    }
    let decimals = (-left.log10().floor()) as usize;
    format!("{} %", trimmed(share * 100.0, decimals))
}

/// `1 worker`, `4 workers`.
pub fn workers_of(n: f64) -> String {
    format!("{} worker{}", number(n), if n == 1.0 { "" } else { "s" })
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
}

/// All digits, in groups of three.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_four_digits() {
        let shown =
            [0.0, 0.013361, 1.0, 12.345, 64.9, 995.91, 1_884.6, 17_122.0, 999_999.999_9, 2.031e6, 5e9]
                .map(number);
        assert_eq!(
            shown,
            ["0", "0.01336", "1", "12.35", "64.9", "995.9", "1 885", "17 122", "1 M", "2.031 M", "5 G"]
        );
        assert_eq!([f64::INFINITY, f64::NAN, -3.5].map(number), ["infinite", "?", "-3.5"]);
        assert_eq!([4.16e-7, 0.00715, 0.02, 0.0].map(coefficient), ["4.16e-7", "0.00715", "0.02", "0"]);
    }

    #[test]
    fn times_and_shares_have_units() {
        let shown = [8.5e-8, 1.234e-5, 0.0123, 0.999, 1.0, 75.0, 5_400.0].map(time);
        assert_eq!(shown, ["85 ns", "12.3 us", "12.3 ms", "999 ms", "1 s", "75 s", "90 min"]);
        assert_eq!(
            [0.8, 0.0412, 0.0008, 0.00001, 0.0].map(percent),
            ["80 %", "4.1 %", "0.08 %", "0.001 %", "0 %"]
        );
        assert_eq!(
            [0.5, 0.98, 0.999, 0.999_9, 0.999_999, 1.0].map(filled),
            ["50 %", "98 %", "99.9 %", "99.99 %", "99.9999 %", "100 %"]
        );
    }
}
