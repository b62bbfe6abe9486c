//! The command: words, a single string, a shell, and what a task finds around it.

use crate::place::Place;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn several_words_are_run_as_they_stand() {
    let place = Place::new();
    let ran = place.divvy(["run", "printf", "%s|", "a b", "$HOME", ">", "{}", "*", ":::", "x y"]);
    assert_eq!(ran.silent(), "a b|$HOME|>|x y|*|");
}

#[test]
fn a_single_string_is_split_as_a_shell_would() {
    let place = Place::new();
    let ran = place.divvy(["run", r#"printf '%s|' "a b" c\ d {} 'e>f'"#, ":::", "x y; id"]);
    assert_eq!(ran.silent(), "a b|c d|x y; id|e>f|");
}

#[test]
fn shell_characters_in_a_single_string_are_refused_with_advice() {
    let place = Place::new();
    for text in ["gzip < {}", "a > b", "a | b", "a && b", "a; b", "echo $HOME", "echo `id`", "echo *", "(a)"]
    {
        place.divvy(["run", text, ":::", "x"]).refused(125, &["--shell"]);
    }
    for text in ["echo 'open", "echo \"open"] {
        place.divvy(["run", text, ":::", "x"]).refused(125, &["quote"]);
    }
    assert!(!place.state().exists(), "refused before anything is stored");
}

#[test]
fn a_shell_command_has_its_inputs_quoted() {
    let place = Place::new();
    let evil = "a'b\"c $(touch hacked) `touch hacked` ; touch hacked #\n\\";
    for text in ["printf %s {} | cat", "printf %s \"{}\" | cat", "printf %s '{}' | cat", "printf %s"] {
        let ran = place.divvy(["run", "--shell", text, ":::", evil]);
        assert_eq!(ran.silent(), evil, "{text}");
    }
    assert!(!place.has("hacked"));
}

#[test]
fn the_input_becomes_the_last_word_but_not_of_an_array() {
    let place = Place::new();
    assert_eq!(place.divvy(["run", "echo", "a", ":::", "b"]).silent(), "a b\n");
    assert_eq!(place.divvy(["run", "echo a", ":::", "b"]).silent(), "a b\n");
    assert_eq!(place.divvy(["run", "--shell", "echo a; echo", ":::", "b"]).silent(), "a\nb\n");
    assert_eq!(place.divvy(["run", "--array", "5-6", "echo", "a"]).silent(), "a\na\n");
    assert_eq!(place.divvy(["run", "-k", "--array", "5-6", "echo", "a{}"]).silent(), "a5\na6\n");
}

#[test]
fn placeholders_are_replaced_in_every_word() {
    let place = Place::new();
    let ran =
        place.divvy(["run", "-j1", "echo", "{}", "{.}", "{/}", "{//}", "{/.}", "{#}", "{%}", ":::", "a/b.c"]);
    assert_eq!(ran.silent(), "a/b.c a/b b.c a b 1 1\n");
    let ran = place.divvy(["run", "{}", "{/}", ":::", "/bin/echo"]);
    assert_eq!(ran.silent(), "echo\n", "also the program itself");
}

#[test]
fn a_task_sees_its_variables() {
    let place = Place::new();
    let script = "echo $DIVVY_JOB,$DIVVY_TASK,$DIVVY_INPUT,$DIVVY_ATTEMPT,$DIVVY_SLOT,${DIVVY_FENCE:+fence}";
    place.divvy(["run", "true", ":::", "x"]).silent();
    let ran = place.divvy(["run", "-j1", "-k", "sh", "-c", script, "_", ":::", "a b", "c"]);
    assert_eq!(ran.silent(), "2,1,a b,1,1,fence\n2,2,c,1,1,fence\n");
}

#[test]
fn a_tasks_stdin_is_empty() {
    let place = Place::new();
    let ran = place.piped("x\ny\n", ["run", "-k", "sh", "-c", "cat; echo $1", "_"]);
    assert_eq!(ran.silent(), "x\ny\n", "no task eats the list");
}

#[test]
fn the_directory_and_environment_are_those_of_the_submission() {
    let place = Place::new();
    std::fs::create_dir(place.path("there")).unwrap();
    let script = r#"test -e ../go || kill -9 $PPID; pwd; echo "$COLOUR ${OTHER-unset}""#;
    let mut first = place.command(["run", "--crash-limit", "99", "sh", "-c", script, "_", ":::", "x"]);
    let ran = place.spawn(first.current_dir(place.path("there")).env("COLOUR", "red"));
    assert_eq!(ran.end().signal, Some(9));
    place.write("go", "");
    let mut second = place.command(["resume"]);
    let ran =
        place.spawn(second.current_dir("/").env("COLOUR", "blue").env("OTHER", "set").env("PATH", "/none"));
    assert_eq!(ran.end().silent(), format!("{}\nred unset\n", place.path("there").display()));
}

#[test]
fn results_are_kept_below_the_directory_of_the_submission() {
    let place = Place::new();
    place.divvy(["run", "--results", "kept", "echo", ":::", "x"]).silent();
    assert_eq!(place.read("kept/1/stdout"), "x\n");
}

#[test]
fn the_shell_is_sh_unless_another_is_named_or_needed() {
    let place = Place::new();
    let run = |text: &str, variable: Option<(&str, &str)>| {
        let mut command = place.command(["run", "--shell", text, ":::", "x"]);
        command.env_remove("PARALLEL_SHELL").envs(variable);
        place.spawn(&mut command).end()
    };
    let text = "echo ${BASH_VERSION:+bash}{}";
    assert_eq!(run(text, Some(("PARALLEL_SHELL", "/bin/bash"))).silent(), "bashx\n");
    let function = ("BASH_FUNC_greet%%", "() { echo hello $1; }");
    assert_eq!(run("greet {}", Some(function)).silent(), "hello x\n", "only bash knows its functions");
    assert_eq!(run("echo {}", None).silent(), "x\n");
    run(text, Some(("PARALLEL_SHELL", "/bin/tcsh"))).refused(125, &["PARALLEL_SHELL", "bash"]);
}

#[test]
fn a_function_of_the_shell_is_told_from_a_command_that_is_not_there() {
    let place = Place::new();
    let mut run = place.command(["run", "greet", ":::", "x"]);
    run.env("BASH_FUNC_greet%%", "() { echo hello $1; }");
    place.spawn(&mut run).end().refused(125, &["greet is a function of your shell", "--shell"]);
    let mut run = place.command(["run", "greet", ":::", "x"]);
    run.env("PATH", "/a/directory:".repeat(20));
    let said = place.spawn(&mut run).end().exits(125);
    assert!(said.contains("command not found: greet") && !said.contains("/a/directory"), "{said}");
}

/// As every shell, `xargs`, `find` and GNU parallel do.
#[test]
fn a_script_without_a_first_line_that_says_what_runs_it_is_run_by_sh() {
    let place = Place::new();
    let make = |name: &str, held: &[u8]| {
        let file = place.write(name, held);
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    };
    make("script", b"echo $# \"$1\" $DIVVY_TASK; pwd\n");
    fs::create_dir(place.path("there")).unwrap();
    let pwd = |dir: &str| place.path(dir).display().to_string().trim_end_matches('/').to_owned();
    let here = pwd("");
    let ran = place.divvy(["run", "-k", "./script", ":::", "a b", "c"]);
    assert_eq!(ran.silent(), format!("1 a b 1\n{here}\n1 c 2\n{here}\n"));
    let ran = place.divvy(["run", "--wd", "there", "--env", "A=1", "../script", ":::", "x"]);
    assert_eq!(ran.silent(), format!("1 x 1\n{}\n", pwd("there")));
    assert_eq!(place.divvy(["run", "./{}", "y", ":::", "script"]).silent(), format!("1 y 1\n{here}\n"));
    let mut run = place.command(["run", "{}", "y", ":::", "script"]);
    run.env("PATH", format!("{here}:/usr/bin:/bin"));
    assert_eq!(place.spawn(&mut run).end().silent(), format!("1 y 1\n{here}\n"), "found in PATH");
    make("foreign", b"\x7fELF\0of another machine");
    let said = place.divvy(["run", "./foreign", ":::", "x"]).exits(1);
    assert!(said.contains("cannot run ") && said.contains("/foreign: Exec format error"), "{said}");
    make("lost", b"#!/no/such/interpreter\n");
    let said = place.divvy(["run", "./lost", ":::", "x"]).exits(1);
    assert!(said.contains("what its #! line names"), "{said}");
}

#[test]
fn a_first_word_with_a_space_is_named() {
    let place = Place::new();
    let said = place.divvy(["run", "echo {}", "x", ":::", "a"]).exits(1);
    assert!(said.contains("command not found: echo a (one word with a space in it"), "{said}");
    place.divvy(["run", "echo b", "x", ":::", "a"]).refused(125, &["echo b", "one word with a space"]);
}

#[test]
fn a_command_is_listed_as_it_can_be_typed_again() {
    let place = Place::new();
    place.divvy(["run", "sh", "-c", "true; : {}", ":::", "a"]).silent();
    place.divvy(["run", "--shell", "true; : {}", ":::", "a"]).silent();
    let listed = place.divvy(["jobs"]).silent();
    assert!(listed.contains("  sh -c 'true; : {}'\n") && listed.contains("  true; : {}\n"), "{listed}");
}
