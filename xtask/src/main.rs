//! The project's own commands: what CI runs is what a laptop runs.
//!
//! `check` is the fast loop; `ci` is all of it; `demo` shows the main job. Each step prints its command first, so
//! that it can be repeated alone.
#![forbid(unsafe_code)]

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode};

const HELP: &str = "cargo xtask check   format, clippy with warnings denied, tests, docs\n\
                    cargo xtask ci      check, and with it the model checker and the simulator\n\
                    cargo xtask demo    build divvy and let it hash and compress every file of this tree\n";

/// Seeds of the simulator in `ci`; a release takes the full hundred thousand.
const SEEDS: &str = "20000";

fn main() -> ExitCode {
    // Wherever it is called from.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace");
    env::set_current_dir(root).expect("the workspace is there");
    let steps: &[fn() -> bool] = match env::args().nth(1).as_deref() {
        Some("check") => &[format, clippy, test, docs],
        Some("ci") => &[prepare, format, clippy, test, docs, loom, simulate],
        Some("demo") => &[demo],
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    // All steps, even after a failure: one run shows everything that is wrong.
    let failed = steps.iter().filter(|step| !step()).count();
    if failed > 0 {
        eprintln!("xtask: {failed} of {} steps failed", steps.len());
        return ExitCode::FAILURE;
    }
    eprintln!("xtask: all {} steps passed", steps.len());
    ExitCode::SUCCESS
}

/// Programs that tests use beyond what every system has, and the Debian packages they come in.
const PROGRAMS: [(&str, &str); 2] = [("strace", "strace"), ("parallel", "parallel")];

/// Installs what is missing, where that is possible; a test that still lacks its program says so itself.
fn prepare() -> bool {
    let missing = PROGRAMS.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package);
    let packages: Vec<_> = missing.collect();
    if packages.is_empty() {
        return true;
    }
    let apt =
        |words: &[&str]| run(Command::new("apt-get").args(words).env("DEBIAN_FRONTEND", "noninteractive"));
    // Package lists may be old or absent: they are fetched only if the first try fails.
    let install = [&["install", "-y", "--no-install-recommends"][..], &packages].concat();
    if !(apt(&install) || apt(&["update"]) && apt(&install)) {
        eprintln!(
            "xtask: cannot install {packages:?} here (are you root, on Debian?): the tests that need it are left out"
        );
    }
    true
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

fn format() -> bool {
    lacks("fmt", "rustfmt") || cargo(&["fmt", "--all", "--check"])
}

fn clippy() -> bool {
    lacks("clippy", "clippy")
        || cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
}

/// With nextest where it is installed; it runs no documentation tests, so these come behind.
fn test() -> bool {
    if has("nextest") {
        cargo(&["nextest", "run", "--workspace", "--all-features"])
            && cargo(&["test", "--workspace", "--doc", "--all-features"])
    } else {
        cargo(&["test", "--workspace", "--all-features"])
    }
}

fn docs() -> bool {
    let mut command = Command::new("cargo");
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items", "--all-features"]);
    run(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The pool's lock-free parts, through every interleaving. In a target directory of its own: the flag changes
/// every crate.
fn loom() -> bool {
    let mut command = Command::new("cargo");
    command.args(["test", "-p", "divvy-pool", "--release", "--test", "loom", "--target-dir", "target/loom"]);
    run(command.env("RUSTFLAGS", "--cfg loom"))
}

fn simulate() -> bool {
    cargo(&["run", "--release", "-p", "divvy-sim", "--", "--seeds", SEEDS])
        && cargo(&["run", "--release", "-p", "divvy-sim", "--", "bugs"])
}

fn demo() -> bool {
    cargo(&["build", "--release", "-p", "divvy-cli"]) && {
        let mut command = Command::new("sh");
        let line = "git ls-files -z | target/release/divvy run -0 --results target/demo --bill \
                    --shell 'sha256sum {} && gzip -9 -c {} | wc -c'";
        run(command.args(["-c", line]))
    }
}

/// Whether a part of the toolchain is missing. Its step is passed over then, aloud: the tests need only a compiler.
fn lacks(subcommand: &str, component: &str) -> bool {
    let missing = !has(subcommand);
    if missing {
        eprintln!(
            "xtask: {component} is not installed, its step is left out (rustup component add {component})"
        );
    }
    missing
}

fn has(subcommand: &str) -> bool {
    Command::new("cargo").args([subcommand, "--version"]).output().is_ok_and(|out| out.status.success())
}

fn cargo(args: &[&str]) -> bool {
    run(Command::new("cargo").args(args))
}

fn run(command: &mut Command) -> bool {
    let words = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
    eprintln!("$ {} {}", command.get_program().to_string_lossy(), words.collect::<Vec<_>>().join(" "));
    command.status().is_ok_and(|status| status.success())
}
