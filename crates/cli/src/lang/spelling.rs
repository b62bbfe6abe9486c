//! How placeholders are written in one job's command: the usual ones, those that the user renamed, the names of
//! columns, and what is known about how many fields a task has.

use serde::{Deserialize, Serialize};

use super::placeholder::{BadPosition, Part, Placeholder};

/// How placeholders are written. The default is the usual spelling for tasks of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spelling {
    /// Strings that stand for a part instead of the usual ones, which then mean nothing.
    pub renamed: Vec<(Part, Vec<u8>)>,
    /// Whether the further ones (`{..}`, `{+.}`, `{+/}` ...) are placeholders too.
    pub plus: bool,
    /// Names of the fields, in order: `{name}` is the field of that name. An empty one names nothing.
    pub names: Vec<Vec<u8>>,
    /// How many fields every task has, if that is certain.
    pub fields: Option<u32>,
}

impl Default for Spelling {
    fn default() -> Spelling {
        Spelling { renamed: Vec::new(), plus: false, names: Vec::new(), fields: Some(1) }
    }
}

/// A placeholder as it stands in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it stands for.
    pub placeholder: Placeholder,
    /// How many bytes it takes.
    pub len: usize,
}

/// What may stand between the opening brace, or the number or name behind it, and the end.
const SUFFIXES: &[(&[u8], Part)] = &[
    (b"}", Part::Whole),
    (b".}", Part::NoExtension(1)),
    (b"/}", Part::Basename),
    (b"//}", Part::Dirname),
    (b"/.}", Part::BasenameNoExtension(1)),
    (b"#}", Part::TaskId),
    (b"%}", Part::Slot),
];

/// The same, with `--plus`.
const PLUS_SUFFIXES: &[(&[u8], Part)] = &[
    (b"..}", Part::NoExtension(2)),
    (b"...}", Part::NoExtension(3)),
    (b"/..}", Part::BasenameNoExtension(2)),
    (b"/...}", Part::BasenameNoExtension(3)),
    (b"+/}", Part::BeforeSlash),
    (b"+.}", Part::Extension(1)),
    (b"+..}", Part::Extension(2)),
    (b"+...}", Part::Extension(3)),
];

impl Spelling {
    /// The placeholder that `text` starts with, if it does.
    pub fn at_start(&self, text: &[u8]) -> Option<Found> {
        self.renamed_at_start(text).or_else(|| self.braces(text))
    }

    /// The next placeholder at or after `from`, with its offset.
    pub fn find(&self, text: &[u8], from: usize) -> Option<(usize, Found)> {
        (from..text.len()).find_map(|at| self.at_start(&text[at..]).map(|found| (at, found)))
    }

    /// Like [`at_start`](Self::at_start), but only what the user renamed: it may begin with any byte.
    pub(super) fn renamed_at_start(&self, text: &[u8]) -> Option<Found> {
        let fitting = self.renamed.iter().filter(|(_, written)| text.starts_with(written));
        let (part, written) = fitting.max_by_key(|(_, written)| written.len())?;
        Some(Found { placeholder: Placeholder { part: *part, position: None }, len: written.len() })
    }

    fn braces(&self, text: &[u8]) -> Option<Found> {
        let inner = text.strip_prefix(b"{")?;
        let (position, number_len) = number(inner);
        let found = |position, part, inner_len| {
            Some(Found { placeholder: Placeholder { part, position }, len: 1 + inner_len })
        };
        if let Some((part, len)) = self.suffix(&inner[number_len..])
            && (position.is_none() || part.uses_input())
        {
            return found(position, part, number_len + len);
        }
        // The longest name wins: `{a.b}` is the column of that name before it is a part of column `a`.
        let names =
            self.names.iter().enumerate().filter(|(_, name)| !name.is_empty() && inner.starts_with(name));
        let named = names.filter_map(|(nth, name)| {
            let (part, len) = self.suffix(&inner[name.len()..]).filter(|(part, _)| part.uses_input())?;
            Some((nth, name.len(), part, len))
        });
        let (nth, name_len, part, len) = named.max_by_key(|(_, name_len, ..)| *name_len)?;
        found(Some(nth as i64 + 1), part, name_len + len)
    }

    /// The part that a suffix names, and its length.
    fn suffix(&self, text: &[u8]) -> Option<(Part, usize)> {
        let plus = if self.plus { PLUS_SUFFIXES } else { &[] };
        let (written, part) = SUFFIXES.iter().chain(plus).find(|(written, _)| text.starts_with(written))?;
        let is_renamed = self.renamed.iter().any(|(renamed, _)| renamed == part);
        (!is_renamed).then_some((*part, written.len()))
    }

    /// Refuses a number that names no field, where that is certain. `text` is the placeholder as written.
    pub(super) fn check(&self, text: &[u8], found: &Found) -> Result<(), BadPosition> {
        let (Some(position), Some(fields)) = (found.placeholder.position, self.fields) else { return Ok(()) };
        if (1..=u64::from(fields)).contains(&position.unsigned_abs()) {
            return Ok(());
        }
        Err(BadPosition { text: text[..found.len].to_vec(), fields })
    }
}

/// An optional sign and digits at the start, and how many bytes they take. A lone sign takes none.
fn number(text: &[u8]) -> (Option<i64>, usize) {
    let sign_len = usize::from(text.first() == Some(&b'-'));
    let digits = text[sign_len..].iter().take_while(|b| b.is_ascii_digit()).count();
    if digits == 0 {
        return (None, 0);
    }
    let len = sign_len + digits;
    let value = text[sign_len..len]
        .iter()
        .fold(0i64, |value, digit| value.saturating_mul(10).saturating_add(i64::from(digit - b'0')));
    (Some(if sign_len == 1 { -value } else { value }), len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(part: Part, position: Option<i64>, len: usize) -> Option<Found> {
        Some(Found { placeholder: Placeholder { part, position }, len })
    }

    #[test]
    fn the_usual_spelling() {
        use Part::*;
        for (text, part, position) in [
            ("{}", Whole, None),
            ("{.}", NoExtension(1), None),
            ("{/}", Basename, None),
            ("{//}", Dirname, None),
            ("{/.}", BasenameNoExtension(1), None),
            ("{#}", TaskId, None),
            ("{%}", Slot, None),
            ("{1}", Whole, Some(1)),
            ("{01}", Whole, Some(1)),
            ("{-1}", Whole, Some(-1)),
            ("{0}", Whole, Some(0)),
            ("{2.}", NoExtension(1), Some(2)),
            ("{12/}", Basename, Some(12)),
            ("{3//}", Dirname, Some(3)),
            ("{4/.}", BasenameNoExtension(1), Some(4)),
            ("{99999999999999999999}", Whole, Some(i64::MAX)),
        ] {
            let with_tail = format!("{text}tail}}");
            let is = Spelling::default().at_start(with_tail.as_bytes());
            assert_eq!(is, found(part, position, text.len()), "{text}");
        }
        for text in [
            "", "{", "}", "{ }", "{a}", "{a,b}", "{1,2}", "{1..3}", "{-}", "{1#}", "{1%}", "{./}", "{///}",
            "{..}", "{+.}", "{",
        ] {
            assert_eq!(Spelling::default().at_start(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn plus_adds_further_ones() {
        let plus = Spelling { plus: true, ..Spelling::default() };
        assert_eq!(plus.at_start(b"{..}"), found(Part::NoExtension(2), None, 4));
        assert_eq!(plus.at_start(b"{2/...}"), found(Part::BasenameNoExtension(3), Some(2), 7));
        assert_eq!(plus.at_start(b"{+/}"), found(Part::BeforeSlash, None, 4));
        assert_eq!(plus.at_start(b"{....}"), None);
    }

    #[test]
    fn what_is_renamed_loses_its_usual_spelling() {
        let renamed = vec![(Part::Whole, b",,".to_vec()), (Part::NoExtension(1), b",,.".to_vec())];
        let spelling = Spelling { renamed, ..Spelling::default() };
        assert_eq!(spelling.at_start(b",,x"), found(Part::Whole, None, 2));
        assert_eq!(spelling.at_start(b",,."), found(Part::NoExtension(1), None, 3), "the longer one");
        assert_eq!(spelling.at_start(b"{}"), None);
        assert_eq!(spelling.at_start(b"{1}"), None);
        assert_eq!(spelling.at_start(b"{/}"), found(Part::Basename, None, 3));
    }

    #[test]
    fn names_stand_for_positions() {
        let names = vec![b"a".to_vec(), b"a.b".to_vec(), b"c d".to_vec(), Vec::new(), b"{".to_vec()];
        let spelling = Spelling { names, ..Spelling::default() };
        assert_eq!(spelling.at_start(b"{a}"), found(Part::Whole, Some(1), 3));
        assert_eq!(spelling.at_start(b"{a.}"), found(Part::NoExtension(1), Some(1), 4));
        assert_eq!(spelling.at_start(b"{a.b}"), found(Part::Whole, Some(2), 5));
        assert_eq!(spelling.at_start(b"{c d//}"), found(Part::Dirname, Some(3), 7));
        assert_eq!(spelling.at_start(b"{{}"), found(Part::Whole, Some(5), 3));
        assert_eq!(spelling.at_start(b"{a#}"), None);
        assert_eq!(spelling.at_start(b"{}"), found(Part::Whole, None, 2));
    }

    #[test]
    fn find_skips_braces_that_are_no_placeholder() {
        let find = |text: &[u8], from| Spelling::default().find(text, from).map(|(at, f)| (at, f.len));
        assert_eq!(find(b"{{a}{.}", 0), Some((4, 3)));
        assert_eq!(find(b"{{}}", 0), Some((1, 2)));
        assert_eq!(find(b"{}", 1), None);
    }

    #[test]
    fn positions_are_checked_where_the_number_of_fields_is_certain() {
        let two = Spelling { fields: Some(2), ..Spelling::default() };
        let check = |spelling: &Spelling, text: &[u8]| {
            spelling.check(text, &spelling.at_start(text).unwrap()).is_ok()
        };
        for text in ["{}", "{#}", "{1}", "{2/}", "{-2}"] {
            assert!(check(&two, text.as_bytes()), "{text}");
        }
        for text in ["{0}", "{3}", "{-3}", "{99999999999999999999.}"] {
            assert!(!check(&two, text.as_bytes()), "{text}");
        }
        assert!(check(&Spelling { fields: None, ..two }, b"{9}"));
    }
}
