//! Numbers with a point, written as Java writes them: who compares outputs with Hadoop's compares these.

/// The shortest digits that are read as the same number; plain from a thousandth to ten million, else with an exponent,
/// and always with a digit behind the point.
pub(super) fn text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    let size = number.abs();
    if number == 0.0 || (1e-3..1e7).contains(&size) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').expect("it was asked for");
    let point = if digits.contains('.') { "" } else { ".0" };
    format!("{digits}{point}E{exponent}")
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn numbers_look_as_in_java() {
        let numbers = [6.0, -0.0, 0.1, 0.001, 9_999_999.5, 1e7, 1.5e-4, -1.25e300, f64::NAN, -f64::INFINITY];
        let texts =
            ["6.0", "-0.0", "0.1", "0.001", "9999999.5", "1.0E7", "1.5E-4", "-1.25E300", "NaN", "-Infinity"];
        assert_eq!(numbers.map(text), texts);
    }
}
