//! What a job records of its command: enough to run it later, elsewhere on this machine, as it would have run here.

use divvy_core::codec::{self, Truncated};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The kind of handler, as jobs name it.
pub const KIND: &str = "command";

/// Format of the bytes. A recipe of a later format is refused by its number.
const FORMAT: u64 = 1;

/// A command and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// The words, or with `shell` the one text.
    pub words: Vec<Vec<u8>>,
    /// Run by `sh -c`.
    pub shell: bool,
    /// The input becomes the last word where no placeholder shows it.
    pub append_input: bool,
    /// Print in the order of the inputs.
    pub keep_order: bool,
    /// Longest time of a task, milliseconds; 0: no limit.
    pub timeout_ms: u64,
    /// Where outputs are kept as well.
    pub results: Option<PathBuf>,
    /// The directory in which it runs.
    pub cwd: PathBuf,
    /// The environment.
    pub env: Vec<(OsString, OsString)>,
}

impl Recipe {
    /// Bytes for the job's record.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        codec::put_u64(&mut out, FORMAT);
        codec::put_u64(&mut out, self.words.len() as u64);
        self.words.iter().for_each(|word| codec::put_bytes(&mut out, word));
        for flag in [self.shell, self.append_input, self.keep_order, self.results.is_some()] {
            codec::put_u64(&mut out, u64::from(flag));
        }
        codec::put_u64(&mut out, self.timeout_ms);
        let results = self.results.as_deref().unwrap_or("".as_ref());
        codec::put_bytes(&mut out, results.as_os_str().as_bytes());
        codec::put_bytes(&mut out, self.cwd.as_os_str().as_bytes());
        codec::put_u64(&mut out, self.env.len() as u64);
        for (name, value) in &self.env {
            codec::put_bytes(&mut out, name.as_bytes());
            codec::put_bytes(&mut out, value.as_bytes());
        }
        out
    }

    /// Reads what [`Recipe::encode`] wrote.
    ///
    /// # Errors
    /// A sentence: a later format, or bytes that are no recipe.
    pub fn decode(mut bytes: &[u8]) -> Result<Recipe, String> {
        match codec::take_u64(&mut bytes) {
            Ok(FORMAT) => fields(bytes).map_err(|Truncated| "its command is not readable".into()),
            Ok(found) => Err(format!("its command has format {found}: use the divvy that submitted it")),
            Err(Truncated) => Err("it has no command".into()),
        }
    }

    /// The command as a person would type it, roughly: for lists and messages.
    pub fn shown(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| String::from_utf8_lossy(word)).collect();
        words.join(" ")
    }
}

fn fields(mut bytes: &[u8]) -> Result<Recipe, Truncated> {
    let b = &mut bytes;
    let count = codec::take_u64(b)?;
    let words = (0..count).map(|_| codec::take_bytes(b).map(<[u8]>::to_vec)).collect::<Result<_, _>>()?;
    let mut flag = || codec::take_u64(b).map(|n| n != 0);
    let (shell, append_input, keep_order, has_results) = (flag()?, flag()?, flag()?, flag()?);
    let timeout_ms = codec::take_u64(b)?;
    let results = path(b)?;
    let cwd = path(b)?;
    let count = codec::take_u64(b)?;
    let env = (0..count).map(|_| Ok((text(b)?, text(b)?))).collect::<Result<_, _>>()?;
    let results = has_results.then_some(results);
    Ok(Recipe { words, shell, append_input, keep_order, timeout_ms, results, cwd, env })
}

fn text(bytes: &mut &[u8]) -> Result<OsString, Truncated> {
    Ok(OsString::from_vec(codec::take_bytes(bytes)?.to_vec()))
}

fn path(bytes: &mut &[u8]) -> Result<PathBuf, Truncated> {
    codec::take_bytes(bytes).map(|b| PathBuf::from(OsStr::from_bytes(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        let recipe = Recipe {
            words: vec![b"a b".to_vec(), vec![0xff, 0xfe], vec![]],
            shell: false,
            append_input: true,
            keep_order: false,
            timeout_ms: 1_500,
            results: Some("out".into()),
            cwd: "/".into(),
            env: vec![("A".into(), OsString::from_vec(vec![b'=', 0x80])), ("B".into(), "".into())],
        };
        assert_eq!(Recipe::decode(&recipe.encode()), Ok(recipe.clone()));
        let bytes = recipe.encode();
        assert!((0..bytes.len()).all(|n| Recipe::decode(&bytes[..n]).is_err()));
        assert!(Recipe::decode(&[9]).unwrap_err().contains("format 9"));
    }
}
