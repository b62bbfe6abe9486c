use super::*;
use crate::Error;

#[test]
fn the_default_is_valid() {
    Config::default().validate().expect("the default is valid");
}

#[test]
fn every_problem_is_told_at_once() {
    let config =
        Config { workers: 0, feeds_max: 0, chunk_max: 0, chunk_target: Duration::ZERO, name: "a\0b".into() };
    let Err(Error::Config(problems)) = config.validate() else { panic!("it is invalid") };
    assert_eq!(problems.len(), 5);
    for field in ["workers", "feeds_max", "chunk_max", "chunk_target", "name"] {
        assert!(problems.iter().any(|problem| problem.starts_with(field)), "{field}");
    }
    let one = Config { workers: WORKERS_MAX + 1, ..Config::default() }.validate();
    assert!(one.unwrap_err().to_string().contains("workers: between 1 and 65536"));
}
