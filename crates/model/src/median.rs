//! The middle of some numbers: what a few wild ones among them do not move.

/// The middle of these numbers, between the two middle ones if their count is even.
///
/// # Panics
/// If there are none: a middle of nothing is a mistake of the caller.
#[must_use]
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_of_several() {
        assert_eq!(median([3.0]), 3.0);
        assert_eq!(median([9.0, 1.0]), 5.0);
        assert_eq!(median([9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([f64::INFINITY, 1.0, -2.0, 3.0]), 2.0);
    }
}
