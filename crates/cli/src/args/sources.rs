//! What follows `:::` and its kin: inputs, not flags.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// One source on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The inputs themselves, or the names of files that hold them; each file is a source of its own.
    pub words: Vec<OsString>,
    /// Whether the words are names of files.
    pub in_files: bool,
    /// Whether its inputs go with those of the source before it, one by one.
    pub is_linked: bool,
}

/// Cuts off what follows the first separator, before flags are read: an input may look like one.
pub fn split_sources(args: impl Iterator<Item = OsString>) -> (Vec<OsString>, Option<Vec<Source>>) {
    let mut words: Vec<OsString> = args.collect();
    let (separators, first_at) = Separators::of(&words);
    let Some(at) = first_at else { return (words, None) };
    let mut sources = Vec::new();
    for word in words.split_off(at) {
        match separators.meaning(&word) {
            Some((in_files, is_linked)) => sources.push(Source { words: Vec::new(), in_files, is_linked }),
            None => sources.last_mut().expect("the first word is a separator").words.push(word),
        }
    }
    (words, Some(sources))
}

/// How separators are written.
struct Separators {
    arg: OsString,
    arg_file: OsString,
}

impl Separators {
    /// How they are written, and where the first one stands.
    fn of(words: &[OsString]) -> (Separators, Option<usize>) {
        let mut separators = Separators { arg: ":::".into(), arg_file: "::::".into() };
        let mut words = words.iter().enumerate();
        // A flag is only looked for in front of the first separator: behind it stand inputs.
        while let Some((at, word)) = words.next() {
            if separators.meaning(word).is_some() {
                return (separators, Some(at));
            }
            let text = word.to_string_lossy();
            let (name, value) =
                text.split_once('=').map_or((&*text, None), |(name, value)| (name, Some(value)));
            let place = match name {
                "--arg-sep" => &mut separators.arg,
                "--arg-file-sep" => &mut separators.arg_file,
                _ => continue,
            };
            // Without a value it is the flags' parser that says so.
            if let Some(value) =
                value.map(OsString::from).or_else(|| words.next().map(|(_, word)| word.clone()))
            {
                *place = value;
            }
        }
        (separators, None)
    }

    /// Whether a word separates sources, and then whether the next one is of files, and linked.
    fn meaning(&self, word: &OsStr) -> Option<(bool, bool)> {
        let is = |separator: &OsStr| {
            let rest = word.as_bytes().strip_prefix(separator.as_bytes())?;
            [b"".as_slice(), b"+"].iter().position(|suffix| rest == *suffix).map(|nth| nth == 1)
        };
        let file = is(&self.arg_file).map(|is_linked| (true, is_linked));
        file.or_else(|| is(&self.arg).map(|is_linked| (false, is_linked)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words, whether they are files, whether they are linked.
    type Shown = (String, bool, bool);

    fn split(line: &str) -> (String, Option<Vec<Shown>>) {
        let (words, sources) = split_sources(line.split(' ').map(OsString::from));
        let text = |words: &[OsString]| words.join(OsStr::new(" ")).into_string().unwrap();
        let sources = sources.map(|s| s.iter().map(|s| (text(&s.words), s.in_files, s.is_linked)).collect());
        (text(&words), sources)
    }

    #[test]
    fn each_separator_begins_a_source() {
        let source = |words: &str, in_files, is_linked| (words.to_owned(), in_files, is_linked);
        assert_eq!(split("divvy run ls"), ("divvy run ls".into(), None));
        assert_eq!(split("run ls :::"), ("run ls".into(), Some(vec![source("", false, false)])));
        assert_eq!(
            split("run ls -l ::: a -b :::+ c :::: f - ::::+ g ::: :::::"),
            (
                "run ls -l".into(),
                Some(vec![
                    source("a -b", false, false),
                    source("c", false, true),
                    source("f -", true, false),
                    source("g", true, true),
                    source(":::::", false, false)
                ])
            )
        );
    }

    #[test]
    fn separators_may_be_written_otherwise() {
        let (words, sources) = split("run --arg-sep ,, --arg-file-sep=:f ls ::: ,, a ::: ,,+ b :f c :f+ d");
        assert_eq!(words, "run --arg-sep ,, --arg-file-sep=:f ls :::");
        let words: Vec<_> = sources.unwrap().into_iter().map(|(words, ..)| words).collect();
        assert_eq!(words, ["a :::", "b", "c", "d"]);
        assert_eq!(split("run ls ::: --arg-sep a").1.unwrap()[0].0, "--arg-sep a", "an input");
    }
}
