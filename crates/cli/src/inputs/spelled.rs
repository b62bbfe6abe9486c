//! How the command's placeholders are written, by the flags.

use crate::args::PlaceholderArgs;
use crate::exit::bad_usage;
use crate::lang::placeholder::Part;
use crate::lang::spelling::Spelling;
use anyhow::Result;
use regex::bytes::Regex;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

/// What the flags say; names and the number of fields are for others to fill in.
///
/// # Errors
/// Bad usage: an empty string, the same one twice, or placeholders in the command that divvy does not have.
pub fn spelling(args: &PlaceholderArgs, command: &[OsString]) -> Result<Spelling> {
    refuse_perl(args, command)?;
    let said = [
        ("-I", Part::Whole, &args.whole),
        ("--extensionreplace", Part::NoExtension(1), &args.no_extension),
        ("--basenamereplace", Part::Basename, &args.basename),
        ("--dirnamereplace", Part::Dirname, &args.dirname),
        ("--basenameextensionreplace", Part::BasenameNoExtension(1), &args.basename_no_extension),
        ("--seqreplace", Part::TaskId, &args.task_id),
        ("--slotreplace", Part::Slot, &args.slot),
    ];
    let usual = Spelling { plus: args.plus, ..Spelling::default() };
    let mut spelling = usual.clone();
    for (flag, part, written) in said {
        let Some(written) = written.as_ref().map(|written| written.as_bytes()) else { continue };
        if written.is_empty() || written.contains(&0) {
            return Err(bad_usage(format!("{flag}: a placeholder needs at least one character")));
        }
        if spelling.renamed.iter().any(|(_, other)| other == written) {
            let written = String::from_utf8_lossy(written);
            return Err(bad_usage(format!("{flag}: {written} already stands for something else")));
        }
        // `-I {}` changes nothing, and the forms with a number stay.
        let is_usual = usual.at_start(written);
        if !is_usual.is_some_and(|found| {
            found.len == written.len()
                && found.placeholder.part == part
                && found.placeholder.position.is_none()
        }) {
            spelling.renamed.push((part, written.to_vec()));
        }
    }
    Ok(spelling)
}

/// What GNU parallel does with Perl would be left in the command as it stands: better said at once.
fn refuse_perl(args: &PlaceholderArgs, command: &[OsString]) -> Result<()> {
    if !args.rpl.is_empty() {
        return Err(bad_usage(
            "--rpl is Perl, which divvy does not run: change the input inside the command",
        ));
    }
    let perl = Regex::new(r"(?s)\{-?[0-9]*=.*=\}").expect("a good expression");
    let further = r"\{(?:##|0#|0%|%%?[^}]+|##?[^}]+|[,^]{1,2}[^}]+|:[^}]*|/[^}/]+/[^}]*|choose_k|uniq)\}";
    let further = args.plus.then(|| Regex::new(further).expect("a good expression"));
    for word in command.iter().map(|word| word.as_bytes()) {
        if let Some(found) = perl.find(word) {
            let text = String::from_utf8_lossy(found.as_bytes());
            return Err(bad_usage(format!(
                "{text} is Perl, which divvy does not run: change the input inside the command"
            )));
        }
        if let Some(found) = further.as_ref().and_then(|further| further.find(word)) {
            let text = String::from_utf8_lossy(found.as_bytes());
            return Err(bad_usage(format!(
                "{text} of --plus is not supported: with --shell, x={{}} in front and ${{x%.*}} and the like do it"
            )));
        }
    }
    Ok(())
}
