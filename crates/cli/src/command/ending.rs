//! `--termseq`: by which signals a task is ended, in GNU parallel's spelling `TERM,200,KILL,25`.

use divvy_engine::process::Ending;
use rustix::process::Signal;

/// Signals that a task may be ended by. Names as kill(1) has them; STOP is missing, because what is stopped does not
/// end.
const NAMES: [(&str, Signal); 11] = [
    ("HUP", Signal::HUP),
    ("INT", Signal::INT),
    ("QUIT", Signal::QUIT),
    ("ABRT", Signal::ABORT),
    ("KILL", Signal::KILL),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
    ("PIPE", Signal::PIPE),
    ("ALRM", Signal::ALARM),
    ("TERM", Signal::TERM),
    ("CONT", Signal::CONT),
];

/// Reads signals and milliseconds, in turns.
///
/// # Errors
/// A sentence.
pub fn parse(text: &str) -> Result<Vec<(i32, u64)>, String> {
    let mut words = text.split(',').map(str::trim);
    let mut steps = Vec::new();
    while let Some(name) = words.next() {
        let Some(signal) = find(name) else {
            let names: Vec<_> = NAMES.iter().map(|(name, _)| *name).collect();
            return Err(format!("{name:?} is no signal to end a task by: use one of {}", names.join(", ")));
        };
        // The wait after the last signal may be left out.
        let wait = words.next().unwrap_or("0");
        let Ok(ms) = wait.parse() else {
            return Err(format!(
                "{wait:?} is no number of milliseconds: write signals and times in turns, as in TERM,200,KILL,25"
            ));
        };
        steps.push((signal.as_raw(), ms));
    }
    Ok(steps)
}

/// The ending that a recipe's steps mean.
pub fn of(steps: &[(i32, u64)]) -> Ending {
    let known = |raw| NAMES.iter().map(|(_, signal)| *signal).find(|signal| signal.as_raw() == raw);
    let steps: Vec<_> =
        steps.iter().filter_map(|(raw, ms)| Some((known(*raw)?, ms.saturating_mul(1_000_000)))).collect();
    if steps.is_empty() { Ending::default() } else { Ending::new(steps) }
}

fn find(name: &str) -> Option<Signal> {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let number = name.parse::<i32>().ok();
    NAMES.iter().find(|(known, signal)| *known == name || Some(signal.as_raw()) == number).map(|(_, s)| *s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_and_times_in_turns() {
        assert_eq!(parse("TERM,200,KILL,25"), Ok(vec![(15, 200), (9, 25)]));
        assert_eq!(parse("sigint"), Ok(vec![(2, 0)]));
        assert_eq!(parse("1, 5 ,9"), Ok(vec![(1, 5), (9, 0)]));
        for wrong in ["", "TERM,x", "200,TERM", "STOP,1", "TERM,1,"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(of(&[(15, 200)]), Ending::new(vec![(Signal::TERM, 200_000_000)]));
        assert_eq!(of(&[]), Ending::default());
    }
}
