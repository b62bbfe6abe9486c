//! The real program: started as people start it, on a directory of its own, with real files, signals and kills.
//!
//! | file | idea |
//! |---|---|
//! | `place.rs` | a directory, a store and the program, gone with the test |
//! | `started.rs` | a program that runs: signals, its end, what it printed |
//! | `inputs.rs`, `command.rs` | what arrives in a task |
//! | `sources.rs`, `pipe.rs` | several sources, columns, inputs and blocks of data |
//! | `output.rs`, `large.rs` | what leaves it |
//! | `exits.rs`, `damage.rs` | what is refused, and with which exit code |
//! | `interrupt.rs`, `resume.rs` | Ctrl-C, SIGTERM, SIGKILL, and going on |
//! | `handler.rs` | handlers that stay, in Python, Node and sh |
//! | `clients.rs` | the clients and examples of this tree |
//! | `children.rs` | no process outlives its task |
//! | `sharing.rs`, `deadly.rs` | several processes on one store, and tasks that kill theirs |
//! | `policy.rs`, `verbs.rs` | retries, time limits, and steering from another terminal |
//! | `submit.rs`, `logs.rs` | jobs that run in the background, and what they printed |
//! | `bill.rs`, `states.rs` | where worker time went, told again; each state by what causes it |
//! | `capacity.rs` | what more workers would get done, and what nodes set by what they measure |
//! | `graph.rs`, `after.rs` | tasks and jobs that wait for others |
//! | `explain.rs`, `wait.rs` | what is told about tasks, nodes and jobs that do not go on |
//! | `needs.rs` | tasks that take something of their node |
//! | `completions.rs` | what is made of the flags |
//! | `joblog.rs`, `halt.rs` | what is written down of tasks, going on by it, stopping early |
//! | `tags.rs`, `results.rs` | how outputs are printed, and kept in files |
//! | `held.rs` | what tasks wait for, and their surroundings |
//! | `disk.rs` | no room, no permission |
//! | `chaos.rs` | killed at random, again and again |
//! | `stream.rs` | scripts that map and reduce, in Python and sh |
//! | `mapreduce.rs` | two functions over data |
//! | `hyperqueue.rs` | what we say of HyperQueue's flags |
//! | `scale.rs` | how programs scale, and the arithmetic of it |
//! | `tutorial/` | GNU parallel's tutorial, run by both |
//!
//! Other processes are waited for by looking for what they leave behind; a deadline only turns a hang into a failure.
#![forbid(unsafe_code)]

mod after;
mod bill;
mod capacity;
mod chaos;
mod children;
mod clients;
mod command;
mod completions;
mod damage;
mod deadly;
mod disk;
mod exits;
mod explain;
mod graph;
mod halt;
mod handler;
mod held;
mod hyperqueue;
mod inputs;
mod interrupt;
mod joblog;
mod large;
mod logs;
mod mapreduce;
mod needs;
mod output;
mod pipe;
mod place;
mod policy;
mod results;
mod resume;
mod scale;
mod sharing;
mod sources;
mod started;
mod states;
mod stream;
mod submit;
mod tags;
mod tutorial;
mod verbs;
mod wait;
