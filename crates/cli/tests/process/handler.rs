//! Handlers that stay: real Python, Node and shell processes that are fed tasks through their pipes.

use crate::place::{Place, until};
use rustix::process::Signal;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// A handler in Python: what is done with each `task`, a dictionary, after `setup`.
pub(crate) fn python(place: &Place, setup: &str, each: &str) -> String {
    let each = each.replace('\n', "\n    ");
    let text = format!(
        "import sys, json, os, time\n\
         def say(answer):\n    sys.stdout.write(json.dumps(answer) + '\\n')\n    sys.stdout.flush()\n\
         def note(name, what):\n    with open(name, 'a') as f:\n        f.write(str(what) + '\\n')\n\
         {setup}\n\
         for line in sys.stdin:\n    task = json.loads(line)\n    {each}\n"
    );
    place.write("worker.py", text);
    "python3 worker.py".into()
}

/// How often each task ran, by what the handler noted.
fn runs(place: &Place) -> std::collections::BTreeMap<String, u64> {
    let mut runs = std::collections::BTreeMap::new();
    for line in place.lines("ran") {
        *runs.entry(line).or_default() += 1;
    }
    runs
}

#[test]
fn outputs_come_back_in_order_and_inputs_arrive_as_they_are() {
    let place = Place::new();
    let handler = python(&place, "", "say({'task': task['task'], 'output': '<' + task['input'] + '>\\n'})");
    let odd = ["a b", "quote\" back\\slash", "tab\tnewline\n.", "é😀", "", "{}"];
    let ran = place.divvy(["run", "-k", "-j2", "--handler", &handler, ":::"].into_iter().chain(odd));
    assert_eq!(ran.silent(), odd.map(|input| format!("<{input}>\n")).concat());
    let ran = place.piped("x\ny\n", ["run", "-k", "--handler", &handler]);
    assert_eq!(ran.silent(), "<x>\n<y>\n");
    let ran = place.divvy(["run", "-k", "-j2", "--handler", &handler, "--array", "10-5000:10"]);
    let ids = (1..=500).map(|n| format!("<{}>\n", n * 10));
    assert_eq!(ran.silent(), ids.collect::<String>());
    place.expect_no_task_alive();
}

#[test]
fn bytes_that_are_not_utf8_go_and_come_as_base64() {
    let place = Place::new();
    let each = "import base64\n\
                data = base64.b64decode(task['input_b64']) if 'input_b64' in task else task['input'].encode()\n\
                say({'task': task['task'], 'output_b64': base64.b64encode(data[::-1] + b'\\n').decode()})";
    let handler = python(&place, "", each);
    let ran = place.piped(b"ab\0\xff\xfe\x80\0", ["run", "-k", "-0", "--handler", &handler]);
    ran.exits(0);
    assert_eq!(ran.stdout, b"ba\n\x80\xfe\xff\n");
}

#[test]
fn a_shell_loop_that_knows_no_json_is_a_handler() {
    let place = Place::new();
    let script = "while read -r line; do id=${line#*:}; id=${id%%,*}; echo $id >>done; echo \"{\\\"task\\\":$id}\"; done";
    place.write("worker.sh", script);
    place.divvy(["run", "-j2", "--handler", "sh worker.sh", "--array", "1-300"]).silent();
    assert_eq!((place.lines("done").len(), place.count("1", "done")), (300, 300));
    place.expect_no_task_alive();
}

#[test]
fn a_node_handler() {
    let there = Command::new("node").arg("--version").stdout(Stdio::null()).status().is_ok();
    if !there {
        assert!(std::env::var_os("CI").is_none(), "node is needed here");
        eprintln!("skipped: node cannot be run");
        return;
    }
    let place = Place::new();
    let script = "require('readline').createInterface({ input: process.stdin }).on('line', line => {\n\
                  const { task, input } = JSON.parse(line)\n\
                  if (input === '7') console.log(JSON.stringify({ task, error: 'seven' }))\n\
                  else console.log(JSON.stringify({ task, output: input + '!\\n' }))\n})\n";
    place.write("worker.js", script);
    let ran = place.divvy(["run", "-k", "-j2", "--handler", "node worker.js", "--array", "1-50"]);
    assert!(ran.exits(1).contains("7 (seven)"));
    let expected = (1..=50).filter(|n| *n != 7).map(|n| format!("{n}!\n"));
    assert_eq!(ran.out(), expected.collect::<String>());
}

#[test]
fn a_failed_task_is_charged_and_told_which_attempt_it_is() {
    let place = Place::new();
    let each = "note('ran', task['input'] + ' ' + str(task.get('attempt', 1)))\n\
                bad = task['input'] == 'bad' or task['input'] == 'late' and task.get('attempt', 1) < 3\n\
                say({'task': task['task'], 'error': 'no ' + task['input']} if bad else {'task': task['task']})";
    let handler = python(&place, "", each);
    let ran = place.divvy(["run", "--retries", "3", "--handler", &handler, ":::", "good", "bad", "late"]);
    assert!(ran.exits(1).contains("2 (no bad)"));
    let expected = ["bad 1", "bad 2", "bad 3", "good 1", "late 1", "late 2", "late 3"];
    assert_eq!(place.lines("ran"), expected);
}

/// Each array is answered from its end, in every form that an answer has.
#[test]
fn arrays_may_be_answered_in_any_order_and_form() {
    let place = Place::new();
    let setup = "say({'divvy': 1, 'batch': 64, 'fence': True})";
    let each = "tasks = task if isinstance(task, list) else [task]\n\
                note('lens', len(tasks))\n\
                assert all(t['fence'] > 0 for t in tasks)\n\
                ids = [t['task'] for t in tasks]\n\
                last = ids.pop()\n\
                say([{'task': last, 'output': 'last %d\\n' % last}])\n\
                third = len(ids) // 3\n\
                say({'done': ids[2 * third:][::-1]})\n\
                if third: say({'done': [[ids[third], ids[2 * third - 1]]]})\n\
                for id in ids[:third][::-1]: say({'task': id})";
    let handler = python(&place, setup, each);
    let ran = place.divvy(["run", "-j2", "--handler", &handler, "--array", "3-30000:3"]);
    let lasts = ran.sorted();
    let lens: Vec<usize> = place.lines("lens").iter().map(|len| len.parse().unwrap()).collect();
    assert_eq!((lasts.len(), lens.iter().sum::<usize>()), (lens.len(), 10_000), "each task once");
    assert!(lens.iter().all(|len| *len <= 64) && lens.contains(&64), "{lens:?}");
    assert_eq!(place.count("1", "done"), 10_000);
}

#[test]
fn one_process_stays_for_each_worker() {
    let place = Place::new();
    let handler = python(&place, "note('started', os.getpid())", "say({'task': task['task']})");
    place.divvy(["run", "-j2", "--handler", &handler, "--array", "1-20000"]).silent();
    let started = place.lines("started").len();
    assert!((1..=2).contains(&started), "{started} processes");
}

#[test]
fn neither_side_waits_for_the_other_while_both_pipes_are_full() {
    let place = Place::new();
    let each = "say({'task': task['task'], 'output': task['input'] * 5 + '\\n'})";
    let handler = python(&place, "", each);
    let input = "x".repeat(100_000) + "\n";
    let ran = place.piped(input.repeat(100), ["run", "-j2", "--handler", &handler]);
    assert_eq!(ran.silent().len(), 100 * 500_001);
}

#[test]
fn what_a_handler_says_on_stderr_is_passed_on_in_whole_lines() {
    let place = Place::new();
    let each = "sys.stderr.write('half '); sys.stderr.flush(); time.sleep(0.01)\n\
                sys.stderr.write('and half %d\\n' % task['task']); sys.stderr.flush()\n\
                if task['task'] == 20: sys.stderr.write('no end'); sys.stderr.flush()\n\
                say({'task': task['task']})";
    let handler = python(&place, "", each);
    let ran = place.divvy(["run", "-j2", "--handler", &handler, "--array", "1-20"]);
    let said = ran.exits(0);
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    lines.sort();
    let mut expected: Vec<_> = (1..=20).map(|n| format!("half and half {n}")).collect();
    expected.push("no end".into());
    expected.sort();
    assert_eq!(lines, expected);
}

#[test]
fn results_are_kept_as_a_commands() {
    let place = Place::new();
    let each = "if task['task'] == 2: say({'task': 2, 'output': 'so far', 'error': 'bad'})\n\
                elif task['task'] == 3: say({'task': 3})\n\
                else: say({'task': task['task'], 'output': 'of ' + task['input']})";
    let handler = python(&place, "", each);
    let ran = place.divvy(["run", "--results", "kept", "--handler", &handler, ":::", "a", "b", "c"]);
    ran.exits(1);
    let kept: Vec<_> = (1..=3).map(|id| place.read(&format!("kept/{id}/stdout"))).collect();
    assert_eq!(kept, ["of a", "so far", ""]);
    assert!(place.has("kept/3/stderr"));
}

#[test]
fn the_task_that_ends_its_handler_is_found_and_no_other_is_charged() {
    let place = Place::new();
    let each = "note('ran', task['task'])\n\
                if task['task'] in (137, 138): os._exit(3)\n\
                if task['task'] == 250: os.kill(os.getpid(), 11)\n\
                say({'task': task['task']})";
    let handler = python(&place, "", each);
    let ran = place.divvy(["run", "-j2", "--handler", &handler, "--array", "1-400"]);
    ran.exits(3);
    let job = place.json(&["show", "1"]);
    assert_eq!((&job["done"], &job["dead"]), (&397.into(), &3.into()));
    let why =
        |id: u64| place.json(&["show", "1", "--task", &id.to_string()])["error"].as_str().unwrap().to_owned();
    for id in [137, 138] {
        assert_eq!(why(id), "the handler exited with code 3 while it ran this task");
    }
    assert_eq!(why(250), "the handler was killed by signal 11 (SIGSEGV) while it ran this task");
    let runs = runs(&place);
    assert_eq!(runs.len(), 400);
    assert!(runs.values().all(|runs| *runs <= 2), "{runs:?}");
    place.expect_no_task_alive();
}

#[test]
fn nonsense_fails_the_task_that_it_was_said_for() {
    let place = Place::new();
    let each = "id = task['task']\n\
                if id == 20: print('Segmentation violation averted', flush=True)\n\
                elif id == 21: say({'task': 4711})\n\
                elif id == 22: say({'task': id, 'eror': 'a typo'})\n\
                else: say({'task': id})";
    let handler = python(&place, "", each);
    place.divvy(["run", "--handler", &handler, "--array", "1-60"]).exits(3);
    let why =
        |id: u64| place.json(&["show", "1", "--task", &id.to_string()])["error"].as_str().unwrap().to_owned();
    assert!(why(20).contains("`Segmentation violation averted`"), "{}", why(20));
    assert!(why(21).contains("answered task 4711, which it does not have"), "{}", why(21));
    assert!(why(20).contains("print everything else to stderr"), "{}", why(20));
    assert!(why(22).contains("eror") && !why(22).contains("stderr"), "{}", why(22));
    assert_eq!(place.count("1", "done"), 57);
}

#[test]
fn a_handler_that_cannot_even_begin_stops_the_job_and_costs_no_task() {
    let place = Place::new();
    let setup = "if not os.path.exists('mended'): sys.exit('no model here')";
    let handler = python(&place, setup, "say({'task': task['task']})");
    let ran = place.divvy(["run", "-j2", "--handler", &handler, "--array", "1-1000"]);
    let said = ran.exits(126);
    assert!(said.contains("no model here"), "{said}");
    assert!(
        said.contains("times in a row before it had answered a task; the last one exited with code 1"),
        "{said}"
    );
    assert!(said.contains("divvy resume 1"), "{said}");
    assert_eq!((place.count("1", "ready"), place.count("1", "dead")), (1_000, 0));
    place.write("mended", "");
    place.divvy(["resume"]).silent();
    assert_eq!(place.count("1", "done"), 1_000);
}

#[test]
fn a_handler_without_a_first_line_that_says_what_runs_it_is_told_so() {
    let place = Place::new();
    let script = place.write("worker.py", "import sys\n");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = place.divvy(["run", "--handler", "./worker.py", ":::", "a"]).exits(126);
    assert!(said.contains("worker.py has no #! line"), "{said}");
    assert_eq!(place.count("1", "ready"), 1);
}

#[test]
fn what_a_handler_prints_by_mistake_is_shown_as_it_is() {
    let place = Place::new();
    let handler = python(&place, "", "print('debug', task, flush=True)\nsay({'task': task['task']})");
    place.divvy(["run", "--handler", &handler, ":::", "a"]).exits(1);
    let error = place.json(&["show", "1", "1"])["error"].as_str().unwrap().to_owned();
    assert!(error.contains("printed `debug {'task': 1"), "{error}");
}

#[test]
fn a_worker_that_cannot_start_a_jobs_handler_says_why() {
    let place = Place::new();
    let handler = python(
        &place,
        "if os.path.exists('broken'): sys.exit(4)",
        "say({'task': task['task'], 'error': 'x'})",
    );
    place.divvy(["run", "--handler", &handler, ":::", "a", "b"]).exits(2);
    place.divvy(["retry"]).exits(0);
    place.write("broken", "");
    let said = place.divvy(["work", "--until-empty"]).exits(126);
    assert!(said.contains("the last one exited with code 4. Nothing is lost"), "{said}");
    assert_eq!((place.count("1", "ready"), place.count("1", "dead")), (2, 0));
}

#[test]
fn a_handler_that_closes_its_stdout_is_lost_at_last() {
    let place = Place::new();
    let each = "if task['input'] == 'b': os.close(1); time.sleep(600)\nsay({'task': task['task']})";
    let handler = python(&place, "", each);
    let said = place.divvy(["run", "-j1", "--handler", &handler, ":::", "a", "b", "c"]).exits(1);
    assert!(said.contains("2 (the handler closed its stdout while it ran this task)"), "{said}");
    place.expect_no_task_alive();
}

#[test]
fn a_handler_of_another_version_is_not_used() {
    let place = Place::new();
    let handler = python(&place, "say({'divvy': 2})", "pass");
    let said = place.divvy(["run", "--handler", &handler, ":::", "a"]).exits(126);
    assert!(said.contains("speaks version 2 of the protocol, and this divvy version 1"), "{said}");
    assert_eq!(place.count("1", "dead"), 0);
}

#[test]
fn a_handler_that_never_reads_times_out() {
    let place = Place::new();
    let ran = place.divvy(["run", "--timeout", "200ms", "--handler", "sleep 600", ":::", "a", "b"]);
    assert!(ran.exits(2).contains("timed out after 0.2 s"));
    place.expect_no_task_alive();
}

/// What waits behind it in the window is not charged for it.
#[test]
fn a_task_that_is_never_answered_times_out_alone() {
    let place = Place::new();
    let each = "if task['task'] == 33: time.sleep(600)\nsay({'task': task['task']})";
    let handler = python(&place, "", each);
    let ran = place.divvy(["run", "--timeout", "5", "--handler", &handler, "--array", "1-100"]);
    assert!(ran.exits(1).contains("33 (timed out after 5 s)"));
    assert_eq!(place.count("1", "done"), 99);
    place.expect_no_task_alive();
}

/// A handler that answers only when there is a file `go`.
fn waiting(place: &Place) -> String {
    let each = "note('begun', task['task'])\n\
                while not os.path.exists('go'): time.sleep(0.005)\n\
                say({'task': task['task']})";
    python(place, "", each)
}

#[test]
fn ctrl_c_charges_nothing_and_leaves_nothing_behind() {
    let place = Place::new();
    let handler = waiting(&place);
    let run = place.start(["run", "-j2", "--handler", &handler, "--array", "1-100"]);
    until("it runs", || place.has("begun"));
    assert!(run.end_by(Signal::INT).exits(130).contains("divvy resume 1"));
    place.expect_no_task_alive();
    assert_eq!((place.count("1", "ready"), place.count("1", "dead")), (100, 0));
    place.write("go", "");
    place.divvy(["resume", "-j2"]).silent();
    assert_eq!(place.count("1", "done"), 100);
}

#[test]
fn sigterm_lets_a_handler_answer_what_it_has() {
    let place = Place::new();
    let handler = waiting(&place);
    let run = place.start(["run", "-j1", "--handler", &handler, "--array", "1-100"]);
    until("it runs", || place.has("begun"));
    run.signal(Signal::TERM);
    place.write("go", "");
    run.end().exits(130);
    let begun = place.lines("begun").len() as u64;
    assert_eq!((place.count("1", "done"), place.count("1", "ready")), (begun, 100 - begun));
    place.expect_no_task_alive();
}

#[test]
fn a_killed_nodes_handlers_are_ended_by_its_survivor() {
    let place = Place::new();
    // One that outlives the end of its stdin, and a child of its own.
    let setup = "import subprocess, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                 subprocess.Popen(['sleep', '600'])";
    let each = "note('begun', task['task'])\n\
                while not os.path.exists('go'): time.sleep(0.005)\n\
                say({'task': task['task']})";
    let handler = python(&place, setup, each);
    let run = place.start(["run", "-j2", "--handler", &handler, "--array", "1-100"]);
    until("both run", || place.lines("begun").len() == 2);
    run.end_by(Signal::KILL);
    let left = place.tasks_alive();
    assert!(left.len() >= 4, "nobody is there to end them yet: {left:?}");
    place.write("go", "");
    place.divvy(["resume", "-j2"]).silent();
    place.expect_no_task_alive();
    assert_eq!((place.count("1", "done"), place.count("1", "dead")), (100, 0));
}

#[test]
fn a_handler_that_goes_on_after_its_last_task_is_ended() {
    let place = Place::new();
    let text = "import sys, json, time, signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n\
                for line in iter(sys.stdin.readline, ''):\n    print(json.dumps({'task': json.loads(line)['task']}), flush=True)\n\
                time.sleep(600)\n";
    place.write("worker.py", text);
    place.divvy(["run", "-j2", "--handler", "python3 worker.py", "--array", "1-50"]).silent();
    place.expect_no_task_alive();
}

#[test]
fn a_canceled_task_ends_in_its_handler_and_the_others_go_on() {
    let place = Place::new();
    let each = "note('ran', task['task'])\n\
                if task['task'] == 5: time.sleep(600)\n\
                say({'task': task['task']})";
    let handler = python(&place, "", each);
    let run = place.start(["run", "-j1", "--handler", &handler, "--array", "1-20"]);
    until("it is there", || place.lines("ran").contains(&"5".to_owned()));
    place.divvy(["cancel", "--tasks", "5"]).exits(0);
    run.end().exits(0);
    assert_eq!((place.count("1", "done"), place.count("1", "canceled")), (19, 1));
    place.expect_no_task_alive();
}

#[test]
fn a_worker_that_joins_runs_handlers_too() {
    let place = Place::new();
    let handler = waiting(&place);
    let run = place.start(["run", "-j1", "--handler", &handler, "--array", "1-2000"]);
    until("it runs", || place.has("begun"));
    run.end_by(Signal::INT).exits(130);
    place.write("go", "");
    place.divvy(["work", "-j2", "--until-empty"]).exits(0);
    assert_eq!(place.count("1", "done"), 2_000);
    place.expect_no_task_alive();
}

#[test]
fn what_cannot_be_a_handler_is_refused_before_anything_is_stored() {
    let place = Place::new();
    let refused = |args: &[&str], words: &[&str]| place.divvy(args).refused(125, words);
    refused(&["run", "--handler", "", ":::", "a"], &["--handler", "empty"]);
    refused(&["run", "--handler", "cat {}", ":::", "a"], &["reads its tasks from stdin"]);
    refused(
        &["run", "--handler", "no-such-program-here", ":::", "a"],
        &["command not found: no-such-program-here"],
    );
    refused(&["run", "--handler", "sort | uniq", ":::", "a"], &["--handler"]);
    refused(&["run", "--shell", "--handler", "cat", ":::", "a"], &["--shell", "--handler"]);
    refused(&["run", "--handler", "python3", "worker.py", ":::", "a"], &["--handler"]);
    assert!(!place.has("state/divvy.db"));
}

/// It was called running, and the bill said that all workers ran tasks nearly all the time.
#[test]
fn the_start_of_a_handler_is_not_its_tasks() {
    for setup in ["time.sleep(1)\nsay({'divvy': 1})", "time.sleep(1)"] {
        let place = Place::new();
        let handler = python(&place, setup, "say({'task': task['task']})");
        place.divvy(["run", "-j1", "--handler", &handler, "--array", "1-200"]).silent();
        let bill = place.json(&["bill"]);
        let seconds = |state: &str| bill["account"]["seconds"][state].as_f64().unwrap();
        assert!(seconds("run") < seconds("spawn"), "{bill}");
        assert!(bill["run_seconds"]["p50"].as_f64() < Some(0.5), "{bill}");
        assert!(bill["account"]["unaccounted"].as_f64().unwrap().abs() < 0.01, "{bill}");
        // Its first tasks have no time of their own where nothing was heard of it before their answers.
        assert!(bill["run_seconds"]["count"].as_u64() >= Some(190), "{bill}");
    }
}
