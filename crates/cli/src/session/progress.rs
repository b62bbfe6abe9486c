//! The progress line: how far, how fast, how many failed, how long still. On a terminal it is one line that changes;
//! elsewhere, for who asked, a line now and then.

use super::eta::{Estimate, Eta};
use super::say;
use crate::args::Output;
use crate::command::Outlet;
use divvy_core::JobId;
use divvy_store::{JobInfo, Progress as Stage, Store};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;

/// How often the store is asked: it costs a read.
const LOOK_EVERY_NS: u64 = 200_000_000;
/// Where lines stay: the time between two of them, at first and at last.
const LINE_EVERY_NS: (u64, u64) = (1_000_000_000, 60_000_000_000);

/// A line on stderr.
pub struct Progress {
    store: Arc<dyn Store>,
    job: JobId,
    /// Which one the line is about: the job itself, or one before it.
    shown: Option<JobId>,
    bar: ProgressBar,
    /// Where tasks say what they are doing.
    outlet: Arc<Outlet>,
    eta: Eta,
    looked_ns: u64,
    first: Option<(u64, u64)>,
    /// Where lines stay: when the next one is due, and the last one.
    lines: Option<(u64, String)>,
}

impl Progress {
    /// A line for one job, with what its tasks say they are doing.
    pub fn new(store: Arc<dyn Store>, job: JobId, outlet: Arc<Outlet>) -> Progress {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(ProgressStyle::with_template("{msg}").expect("a constant template"));
        // Lines that change are drawn on terminals only.
        let lines = (!std::io::stderr().is_terminal()).then(|| (LINE_EVERY_NS.0, String::new()));
        let eta = Eta::default();
        Progress { store, job, shown: None, bar, outlet, eta, looked_ns: 0, first: None, lines }
    }

    /// The line itself, for who prints around it.
    pub fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Time has passed.
    pub fn look(&mut self, now_ns: u64) {
        if now_ns < self.looked_ns + LOOK_EVERY_NS && self.looked_ns > 0 {
            return;
        }
        self.looked_ns = now_ns;
        // Whoever asks next will see the store's trouble; a progress line is no place for it.
        let Ok(info) = self.current() else { return };
        if self.shown != Some(info.id) {
            (self.shown, self.first, self.eta) = (Some(info.id), None, Eta::default());
        }
        let ended = info.counts.done + info.counts.dead;
        let (first_ns, before) = *self.first.get_or_insert((now_ns, ended));
        self.eta.look(now_ns, ended);
        let seconds = (now_ns - first_ns) as f64 / 1e9;
        let rate = if seconds > 0.5 { Some((ended - before) as f64 / seconds) } else { None };
        let left = info.tail - ended - info.counts.canceled;
        let estimate = self.eta.estimate(left).filter(|_| info.progress != Stage::Open);
        let status = self.outlet.status().map(|status| format!(": {status}")).unwrap_or_default();
        self.show(now_ns, line(&info, rate, estimate) + &status);
    }

    /// The job, or the one that it waits for.
    fn current(&self) -> divvy_store::Result<JobInfo> {
        let mut info = self.store.job(self.job)?;
        while let Some(before) = info.waits_for.first() {
            info = self.store.job(*before)?;
        }
        Ok(info)
    }

    fn show(&mut self, now_ns: u64, line: String) {
        match &mut self.lines {
            None => self.bar.set_message(line),
            Some((due_ns, last)) if now_ns >= *due_ns => {
                // Rarer with time: a night is not worth a thousand lines.
                *due_ns = now_ns + (now_ns / 10).clamp(LINE_EVERY_NS.0, LINE_EVERY_NS.1);
                say(Output::Human, &line);
                *last = line;
            }
            Some(_) => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        // How it ended, so that a short job has a line as well.
        let Some((_, last)) = &self.lines else { return };
        let Ok(info) = self.store.job(self.job) else { return };
        let end = line(&info, None, None);
        if end != *last {
            say(Output::Human, &end);
        }
    }
}

fn line(info: &JobInfo, rate: Option<f64>, estimate: Option<Estimate>) -> String {
    let ended = info.counts.done + info.counts.dead;
    let so_far = if info.progress == Stage::Open { "+" } else { "" };
    let share = ended as f64 * 100.0 / info.tail.max(1) as f64;
    let mut line = format!("job {}: {ended}/{}{so_far} ({share:.0} %)", info.id, info.tail);
    if let Some(rate) = rate {
        line += &format!(", {}/s", short(rate));
    }
    if info.counts.dead > 0 {
        line += &format!(", {} failed", info.counts.dead);
    }
    match estimate {
        Some(e) => line += &format!(", {} left ({} to {})", time(e.seconds), time(e.low), time(e.high)),
        None if so_far.is_empty() => {}
        None => line += ", reading inputs",
    }
    line
}

/// A rate in three digits.
fn short(rate: f64) -> String {
    match rate {
        r if r >= 1e6 => format!("{:.1} M", r / 1e6),
        r if r >= 1e4 => format!("{:.0} k", r / 1e3),
        r if r >= 10.0 => format!("{r:.0}"),
        r => format!("{r:.1}"),
    }
}

/// A span of time in two units.
pub fn time(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3_600 => format!("{}:{:02} min", s / 60, s % 60),
        3_600..86_400 => format!("{}:{:02} h", s / 3_600, s / 60 % 60),
        _ => format!("{} d {} h", s / 86_400, s / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([3.25, 740.4, 12_345.0, 3.21e6].map(short), ["3.2", "740", "12 k", "3.2 M"]);
        assert_eq!([4.4, 61.0, 3_720.0, 200_000.0].map(time), ["4 s", "1:01 min", "1:02 h", "2 d 7 h"]);
    }
}
