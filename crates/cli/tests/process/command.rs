//! The command: words, a single string, a shell, and what a task finds around it.

use crate::place::Place;

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
