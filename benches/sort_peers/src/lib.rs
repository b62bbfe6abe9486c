//! What the three programs share: sizes on the command line, and a checksum that does not depend on the order of lines.
#![forbid(unsafe_code)]

/// "64M", "10G", "1000": powers of 1024, as in GNU sort.
pub fn bytes(word: &str) -> Result<u64, String> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &word[digits.len()..] {
        "" | "B" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return Err(format!("{word} is not a size: write 1000, 64M or 10G")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{word} is not a size: write 1000, 64M or 10G"))?;
    number.checked_mul(unit).ok_or_else(|| format!("{word} is too large"))
}

/// Number of lines and the sum of their checksums: the same for the same lines in any order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub lines: u64,
    pub sum: u64,
}

impl Summary {
    pub fn add(&mut self, line: &[u8]) {
        self.lines += 1;
        self.sum = self.sum.wrapping_add(u64::from(crc32fast::hash(line)));
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} lines, checksum {:x}", self.lines, self.sum)
    }
}
