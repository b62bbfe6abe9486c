//! What this crate keeps with a job, beside what the store knows: text, so that people can read it.

/// See the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Detail {
    /// How the inputs are encoded: [`Record::NAME`](crate::Record::NAME).
    pub(crate) record: String,
    /// Attempts that a worker makes before it tells the store.
    pub(crate) attempts_here: u32,
}

impl Detail {
    pub(crate) fn encode(&self) -> Vec<u8> {
        format!("record={}\nattempts_here={}\n", self.record, self.attempts_here).into_bytes()
    }

    /// `None` if this crate did not make it.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Detail> {
        let text = std::str::from_utf8(bytes).ok()?;
        let value = |key| text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        Some(Detail {
            record: value("record")?.to_owned(),
            attempts_here: value("attempts_here")?.parse().ok()?,
        })
    }

    /// Reads it, and checks that the handler takes such records.
    pub(crate) fn of(bytes: &[u8], takes: &str) -> Result<Detail, String> {
        let detail = Detail::decode(bytes).ok_or("it was not submitted by this library")?;
        if detail.record != takes {
            return Err(format!(
                "its inputs are of the kind `{}`, the handler takes `{takes}`",
                detail.record
            ));
        }
        Ok(detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_and_strangers_are_refused() {
        let detail = Detail { record: "u64".into(), attempts_here: 3 };
        assert_eq!(Detail::of(&detail.encode(), "u64"), Ok(detail.clone()));
        assert!(Detail::of(&detail.encode(), "text").unwrap_err().contains("`u64`"));
        assert!(Detail::of(b"\xff", "text").is_err() && Detail::of(b"record=text", "text").is_err());
    }
}
