//! Files as people write them, and what is said about those that are wrong.

use super::super::file::parse;
use super::*;

fn tasks(text: &str) -> Result<Tasks, String> {
    Tasks::of(parse(text)?, Path::new("/here"))
}

fn steps(tasks: &Tasks) -> Vec<Step> {
    let records = tasks.records.iter().flat_map(|block| (0..block.count()).map(|n| block.record(n)));
    records.map(|record| Step::decode(record).unwrap()).collect()
}

#[test]
fn names_become_a_graph_and_defaults_fill_in() {
    let text = r#"
        name = "night"
        max_fails = 3
        [defaults]
        cpus = 2
        env = { LANG = "C", A = "default" }
        cwd = "data"
        [[task]]
        name = "fetch"
        command = "wget 'a b'"
        [[task]]
        name = "align"
        command = ["bwa", "a b", ""]
        after = "fetch"
        cpus = 0.5
        mem = "1G,2G"
        env = { A = "own" }
        cwd = "/abs"
        [[task]]
        command = "echo $HOME | wc"
        shell = true
        deps = ["align", "fetch", "fetch"]
        resource = { gpu = 1 }
    "#;
    let tasks = tasks(text).unwrap();
    assert_eq!((tasks.name.as_deref(), tasks.max_fails), (Some("night"), Some(3)));
    assert_eq!(
        (0..3).map(|seq| tasks.graph.parents(seq).to_vec()).collect::<Vec<_>>(),
        [vec![], vec![0], vec![0, 1]]
    );
    let steps = steps(&tasks);
    assert_eq!(steps[0].words, [b"wget".to_vec(), b"a b".to_vec()]);
    assert_eq!(
        (steps[0].cwd.as_deref(), steps[1].cwd.as_deref()),
        (Some("/here/data".as_ref()), Some("/abs".as_ref()))
    );
    assert_eq!(steps[1].env, [("A".into(), "own".into()), ("LANG".into(), "C".into())]);
    assert_eq!((steps[1].words.len(), steps[2].shell, steps[2].name.is_none()), (3, true, true));
    let demand = |seq| demand::shown(&tasks.needs.demand(tasks.needs.class_of(seq)));
    assert_eq!([0, 1, 2].map(demand), ["cpus=2", "cpus=0.5 mem=1G", "cpus=2 gpu=1"]);
    assert_eq!(tasks.needs.more(tasks.needs.class_of(1)), Some(2));
}

#[test]
fn a_job_file_of_hyperqueue_is_read_where_it_means_the_same() {
    let text = r#"
        name = "hq"
        [[task]]
        id = 10
        command = ["sleep", "1"]
        env = { "ABC" = "1" }
        [[task.request]]
        resources = { "cpus" = "1.5", "gpus/nvidia" = 2, "mem" = 512 }
        [[task]]
        id = 3
        command = ["sleep", "2"]
        deps = [10]
    "#;
    let tasks = tasks(text).unwrap();
    assert_eq!(tasks.graph.parents(1), [0]);
    assert_eq!(demand::shown(&tasks.needs.demand(0)), "cpus=1.5 gpus/nvidia=2 mem=512M");
    assert_eq!(steps(&tasks)[1].name.as_deref(), Some("3"));
}

#[test]
fn what_is_wrong_is_named() {
    let task = |more: &str| format!("[[task]]\ncommand = \"x\"\n{more}");
    for (text, words) in [
        (String::new(), &["no tasks"][..]),
        (task("after = [\"b\"]"), &["task 1 waits for `b`"]),
        (task("after = \"b\""), &["task 1 waits for `b`"]),
        (task("after = true"), &["line 3", "a task's name or id, or an array of them"]),
        (task("deps = [0]"), &["task 1 waits for `0`", "name or id"]),
        (task("name = \"Sort\"\nafter = [\"sort\"]"), &["did you mean `Sort`"]),
        (task("name = \"a\"\n") + &task("name = \"a\""), &["tasks 1 and 2", "both called `a`"]),
        (task("name = \"\""), &["no name"]),
        (task("name = \"a\"\nid = 1"), &["`a`", "id 1"]),
        (task("priority = 1"), &["line 3", "priority"]),
        ("[[array]]\nids = \"1-5\"\ncommand = [\"x\"]".into(), &["`array`", "divvy run --array"]),
        ("[[task]]\nname = \"a\"".into(), &["missing field `command`"]),
        ("[[task]]\ncommand = 5".into(), &["line 2", "a command: a string, or an array"]),
        ("[[task]]\ncommand = []".into(), &["task 1", "empty"]),
        ("[[task]]\ncommand = \"a | b\"".into(), &["task 1", "`|`", "shell = true"]),
        ("[[task]]\ncommand = [\"a\"]\nshell = true".into(), &["one string"]),
        (task("cpus = \"4 compact!\""), &["task 1", "cpus", "`4 compact!` is no amount"]),
        (task("mem = \"2G,1G\""), &["do not rise"]),
        (task("resource = { cpus = 1 }\ncpus = 1"), &["`cpus` is said twice"]),
        (task("[[task.request]]\n[[task.request]]"), &["alternatives"]),
        (task("cpus = 1\n[[task.request]]"), &["use one of them"]),
        (task("env = { \"A=B\" = \"c\" }"), &["A=B"]),
        ("[[task]\n".into(), &["line 1"]),
    ] {
        let said = tasks(&text).expect_err(&text);
        words.iter().for_each(|word| assert!(said.contains(word), "{text}: {said:?} lacks {word:?}"));
    }
}

#[test]
fn circles_are_shown_by_their_names() {
    let text = r#"
        [[task]]
        name = "free"
        command = "x"
        [[task]]
        name = "a"
        command = "x"
        after = ["c", "free"]
        [[task]]
        name = "b"
        command = "x"
        after = ["a"]
        [[task]]
        name = "c"
        command = "x"
        after = ["b"]
    "#;
    let said = tasks(text).unwrap_err();
    let ways = ["a -> b -> c -> a", "b -> c -> a -> b", "c -> a -> b -> c"];
    assert!(ways.iter().any(|way| said.ends_with(way)), "{said}");
    let own = tasks("[[task]]\ncommand = \"x\"\nname = \"me\"\nafter = [\"me\"]").unwrap_err();
    assert!(own.ends_with("me -> me"), "{own}");
}
