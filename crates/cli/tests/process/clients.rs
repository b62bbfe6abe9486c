//! The clients of `clients/`, in the hands of a user: each handler reads its client from this tree.

use crate::place::Place;
use std::process::{Command, Stdio};

/// A file of this tree.
fn file(name: &str) -> String {
    format!("{}/../../{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Whether a program is there; says so if not.
fn has(program: &str) -> bool {
    let there = Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{program} is needed here");
        eprintln!("skipped: {program} cannot be run");
    }
    there
}

/// Inputs that quoting and splitting like to break; the one that begins with `bad` is to fail.
const ODD: [&str; 9] =
    ["a b", "q\"b\\n", "$(date) `x` *", "é😀", "l1\nl2\t\x01\x1b[", "", "{}", "bad one", "%s \\\\"];

/// Runs a handler that prints `<INPUT>\n` for each of them, but fails the bad one and prints nothing for it.
fn expect_odd(place: &Place, handler: &str, why: &str) {
    let ran = place
        .divvy(["run", "-k", "-j2", "--retries", "2", "--handler", handler, ":::"].into_iter().chain(ODD));
    assert!(ran.exits(1).contains(why), "{}", ran.err());
    let lines = ODD.map(|input| match input {
        "bad one" => String::new(),
        input => format!("<{input}>\n"),
    });
    assert_eq!(ran.out(), lines.concat());
}

/// Runs a handler that prints `<INPUT>\n` for inputs that are not UTF-8, or end with a newline.
fn expect_bytes(place: &Place, handler: &str) {
    let ran = place.piped(b"a\xff\xfe\n\0b\0", ["run", "-k", "-0", "--handler", handler]);
    ran.exits(0);
    assert_eq!(ran.stdout, b"<a\xff\xfe\n>\n<b>\n");
}

fn python(place: &Place, text: &str) -> String {
    let head = format!(
        "import sys\nsys.path.insert(0, {:?})\nfrom divvy_handler import *\n",
        file("clients/python")
    );
    place.write("work.py", head + text);
    "python3 work.py".into()
}

#[test]
fn python_one_by_one() {
    let place = Place::new();
    let text = "@handler\n\
                def work(task):\n\
                \x20   print('to stderr', file=sys.stdout) if task.input == 'chatty' else None\n\
                \x20   if task.input[:3] == 'bad': raise ValueError('it is bad')\n\
                \x20   if isinstance(task.input, bytes): return b'<' + task.input + b'>\\n'\n\
                \x20   return '<' + task.input + '>\\n'\n\
                work.run()\n";
    let handler = python(&place, text);
    expect_odd(&place, &handler, "8 (ValueError: it is bad)");
    expect_bytes(&place, &handler);
    let ran = place.divvy(["run", "--handler", &handler, ":::", "chatty"]);
    assert_eq!((ran.exits(0).as_str(), ran.out().as_str()), ("to stderr\n", "<chatty>\n"));
}

#[test]
fn python_many_at_once() {
    let place = Place::new();
    let text = "@batch_handler(100)\n\
                def work(tasks):\n\
                \x20   if any(t.id == 777 for t in tasks):\n\
                \x20       return [ValueError('lucky') if t.id == 777 else str(t.id) + '\\n' for t in tasks]\n\
                work.run()\n";
    let handler = python(&place, text);
    let ran = place.divvy(["run", "-j2", "--handler", &handler, "--array", "7-70000:7"]);
    assert!(ran.exits(1).contains("777 (ValueError: lucky)"));
    assert_eq!(place.count("1", "done"), 9_999);
    let of_its_array = ran.out().lines().count();
    assert!(of_its_array < 100, "{of_its_array}");
}

#[test]
fn python_tells_results_that_are_none_apart_from_mistakes() {
    let place = Place::new();
    let handler =
        python(&place, "@handler(fence=True)\ndef work(task):\n    return task.fence\nwork.run()\n");
    let said = place.divvy(["run", "--handler", &handler, ":::", "a"]).exits(1);
    assert!(said.contains("a handler returns str, bytes or None, not int"), "{said}");
}

fn node(place: &Place, text: &str) -> String {
    place.write(
        "work.js",
        format!("const {{ run }} = require({:?})\n{text}", file("clients/node/divvy-handler.js")),
    );
    "node work.js".into()
}

#[test]
fn node_one_by_one_and_many_at_once() {
    if !has("node") {
        return;
    }
    let place = Place::new();
    let text = "const work = task => {\n\
                  if (task.input === 'chatty') console.log('to stderr')\n\
                  if (Buffer.isBuffer(task.input)) return Buffer.concat([Buffer.from('<'), task.input, Buffer.from('>\\n')])\n\
                  if (task.input.startsWith('bad')) throw new Error('it is bad')\n\
                  return `<${task.input}>\\n`\n}\n";
    let handler = node(&place, &format!("{text}run(work)\n"));
    expect_odd(&place, &handler, "8 (Error: it is bad)");
    expect_bytes(&place, &handler);
    let ran = place.divvy(["run", "--handler", &handler, ":::", "chatty"]);
    assert_eq!((ran.exits(0).as_str(), ran.out().as_str()), ("to stderr\n", "<chatty>\n"));
    // Each waits for a moment, so that several are on their way and end in any order.
    let later = "run(async task => { await new Promise(r => setTimeout(r, task.id % 3)); return work(task) }, { atOnce: 8 })\n";
    let handler = node(&place, &format!("{text}{later}"));
    expect_odd(&place, &handler, "8 (Error: it is bad)");
    let ran = place.divvy(["run", "-k", "-j2", "--handler", &handler, "--array", "1-300"]);
    assert_eq!(ran.silent(), (1..=300).map(|n| format!("<{n}>\n")).collect::<String>());
}

#[test]
fn shell() {
    let place = Place::new();
    // What reads stdin must not eat the tasks.
    let text = "work() {\n  cat\n  case $1 in bad*) echo 'so far'; exit 7 ;; esac\n  printf '<%s>\\n' \"$1\"\n}\ndivvy_handle work\n";
    place.write("work.sh", format!(". {}\n{text}", file("clients/shell/divvy-handler.sh")));
    for shell in ["sh", "bash"] {
        // `sh --version` fails where sh is a small one; it is there all the same.
        if shell != "sh" && !has(shell) {
            continue;
        }
        let handler = format!("{shell} work.sh");
        let ran = place.divvy(["run", "--handler", &handler, ":::", "bad"]);
        assert!(ran.exits(1).contains("1 (exit code 7)"));
        assert_eq!(ran.out(), "so far\n");
        expect_bytes(&place, &handler);
        let good = ODD.into_iter().filter(|input| !input.starts_with("bad"));
        let ran =
            place.divvy(["run", "-k", "-j2", "--handler", &handler, ":::"].into_iter().chain(good.clone()));
        assert_eq!(ran.silent(), good.map(|input| format!("<{input}>\n")).collect::<String>());
    }
}

/// The examples run as they stand.
#[test]
fn examples() {
    let place = Place::new();
    let ran = place.divvy(["run", "-k", "--handler", &file("examples/handlers/upper.py"), ":::", "a", "é"]);
    assert_eq!(ran.silent(), "A\nÉ\n");
    place.divvy(["run", "--handler", &file("examples/handlers/squares.py"), "--array", "1-20000"]).silent();
    place.write("three", "1\n2\n3\n");
    let ran = place.divvy(["run", "--handler", &file("examples/handlers/lines.sh"), ":::", "three"]);
    assert_eq!(ran.silent().trim(), "3");
}
