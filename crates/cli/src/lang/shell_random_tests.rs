//! Looks for an input that escapes: random shell texts, hostile inputs, and a real shell.
//!
//! A text is a random command of words, quotes and substitutions, and in most cases then spoiled by a few pieces that
//! unbalance, nest or hide something. Whatever [`ShellTemplate`] accepts must keep the input inside its word. An input
//! that got out would run `echo PWNED`, and `echo` is a function that leaves a mark when it hears that.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::placeholder::{Input, Part};
use super::shell::ShellTemplate;
use super::spelling::Spelling;

const SPOILERS: &[&str] = &[
    "{}",
    "'",
    "\"",
    "$(",
    ")",
    "(",
    "\\",
    "\n",
    "#",
    " #",
    " ",
    "`",
    "$",
    "${v",
    "}",
    "${v:-",
    "$((",
    "))",
    "<",
    ">",
    "<<E\n",
    "\nE\n",
    "case x in x) ",
    "$(case x in (x) ",
    ";; esac",
    ";",
    "|",
    "&",
    "{",
    "v=",
    "[",
    "1",
    "\\\n",
    "if true; then ",
    "; fi",
    "{1}",
    "{#}",
    "~",
    "!",
    "-",
    "*",
    "%",
    "<(",
    "((",
    "$'",
    "$[",
    "${#",
    "${",
    "[[ ",
    " ]]",
];

const INPUTS: &[&str] = &[
    "x';echo PWNED;'",
    "x\";echo PWNED;\"",
    "x$(echo PWNED)`echo PWNED`",
    "x\necho PWNED\n",
    "x;echo PWNED #",
    "x)echo PWNED;(",
    "x}\necho PWNED;\n))",
    "x\nE\necho PWNED\n",
    "x\\",
];

/// A linear congruential generator: the same seed gives the same texts everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn commands(&mut self, depth: usize) -> String {
        let mut text = self.command(depth);
        while self.below(4) == 0 {
            let joint = ["; ", "\n", " | ", " && ", " # it's\n", " \\\n;"][self.below(6)];
            text = format!("{text}{joint}{}", self.command(depth));
        }
        if self.below(8) == 0 { format!("({text})") } else { text }
    }

    fn command(&mut self, depth: usize) -> String {
        let words: String = (0..1 + self.below(3)).map(|_| format!(" {}", self.word(depth))).collect();
        format!("echo{words}")
    }

    fn word(&mut self, depth: usize) -> String {
        let part = |random: &mut Self| match random.below(9) {
            0..3 => "{}".to_string(),
            3 => ["x", "\\{}", "\\'", "\\\"", "a\\\nb", "a#b", "\\\\"][random.below(7)].to_string(),
            4 => format!("'{}'", ["{}", "a {} \" b", "$(", "\\", "# {}\n"][random.below(5)]),
            5 | 6 => format!("\"{}\"", random.double_quoted(depth)),
            7 => random.expansion(depth),
            _ => ["$((1+2))", "$(( (1<<2) * {#} ))", "~", "*", "-x"][random.below(5)].to_string(),
        };
        (0..1 + self.below(3)).map(|_| part(self)).collect()
    }

    fn double_quoted(&mut self, depth: usize) -> String {
        let part = |random: &mut Self| match random.below(6) {
            0..3 => "{}".to_string(),
            3 => ["x", " ", "'", "\\{}", "\\\"", "\\\\", "\\$", "\\a", "#", "\\\n"][random.below(10)]
                .to_string(),
            _ => random.expansion(depth),
        };
        (0..1 + self.below(4)).map(|_| part(self)).collect()
    }

    fn expansion(&mut self, depth: usize) -> String {
        if depth > 0 && self.below(2) == 0 {
            return format!("$({})", self.commands(depth - 1));
        }
        ["$v", "${v}", "${v:-x}", "${v%x}", "$#", "$$", "${#}", "${#v}"][self.below(8)].to_string()
    }

    /// The same text, in some cases with another string for the input.
    fn spelled(&mut self, text: String) -> (Spelling, String) {
        let written = ["{}", "{}", ",,", "X", "%", "@{", "\""][self.below(7)];
        let renamed = if written == "{}" { vec![] } else { vec![(Part::Whole, written.into())] };
        (Spelling { renamed, fields: None, ..Spelling::default() }, text.replace("{}", written))
    }

    fn text(&mut self) -> String {
        let mut text = self.commands(2);
        for _ in 0..self.below(4) {
            text.insert_str(self.below(text.len() + 1), SPOILERS[self.below(SPOILERS.len())]);
        }
        text
    }
}

fn keeps_the_input_inside(shell: &str, rounds: usize, seed: u64) {
    let mut random = Random(seed);
    let directory = std::env::temp_dir().join(format!("divvy-lang-{shell}-{}", std::process::id()));
    let stray = directory.join("stray");
    std::fs::create_dir_all(&stray).expect("a directory for what stray redirections create");
    let (mut accepted, mut clean) = (0, 0);
    while accepted < rounds {
        let text = random.text();
        let (spelling, text) = random.spelled(text);
        let Ok(template) = ShellTemplate::new(text.as_bytes(), &spelling, random.below(2) == 0) else {
            continue;
        };
        if !template.has_placeholder() {
            continue;
        }
        // One field as a rule; two must be no less safe.
        let input = [(); 2].map(|()| INPUTS[random.below(INPUTS.len())].as_bytes());
        let fields = &input[..1 + random.below(4) / 3];
        let Ok(rendered) = template.render(&Input { fields, id: 1, slot: 1 }) else {
            continue;
        };
        accepted += 1;
        clean += usize::from(runs_without_error(shell, &rendered, &directory, &stray));
        assert!(!directory.join("mark").exists(), "{shell} let one of {INPUTS:?} out of {text:?}");
    }
    std::fs::remove_dir_all(&directory).expect("removed");
    assert!(clean * 3 > rounds, "only {clean} of {rounds} texts ran: the pieces no longer fit together");
}

fn runs_without_error(shell: &str, text: &[u8], directory: &Path, stray: &Path) -> bool {
    let mark = directory.join("mark");
    let mut script = format!("echo() {{ [ \"$1\" != PWNED ] || : > '{}'; }}\n", mark.display()).into_bytes();
    script.extend_from_slice(text);
    Command::new(shell)
        .arg("-c")
        .arg(OsStr::from_bytes(&script))
        .current_dir(stray)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the shell starts")
        .success()
}

#[test]
fn random_texts_keep_the_input_inside() {
    keeps_the_input_inside("sh", 300, 0x9e37_79b9_7f4a_7c15);
}

#[test]
#[ignore = "minutes; run it after any change to shell_scan.rs, where dash and bash are installed"]
fn many_random_texts_keep_the_input_inside() {
    for shell in ["dash", "bash"] {
        keeps_the_input_inside(shell, 50_000, 1);
    }
}
