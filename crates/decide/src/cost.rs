//! What tasks and round trips cost, as measured so far.

/// An exponentially weighted mean that starts with its first value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Mean(Option<f64>);

impl Mean {
    /// Half the weight goes to the newest value: a cliff in task times shows after two or three reports.
    const NEWEST: f64 = 0.5;

    pub(crate) fn observe(&mut self, value: f64) {
        self.0 = Some(self.0.map_or(value, |old| old + Mean::NEWEST * (value - old)));
    }

    pub(crate) fn get(self) -> Option<f64> {
        self.0
    }
}
