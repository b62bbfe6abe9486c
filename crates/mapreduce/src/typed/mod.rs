//! Programs of your own, in Rust: a function that maps records to pairs, and one that makes output of each key and its
//! values.
//!
//! ```
//! use divvy_mapreduce::typed::{Emit, MapReduce};
//!
//! # let dir = std::env::temp_dir().join(format!("divvy-typed-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(dir.join("books")).unwrap();
//! # std::fs::write(dir.join("books/hamlet.txt"), "to be or not\nto be\n").unwrap();
//! # let books = dir.join("books");
//! # let work = dir.join("wordcount");
//! let done = MapReduce::new("wordcount")
//!     .inputs([books])
//!     .map(|line: &str, out: &mut Emit<String, u64>| {
//!         line.split_whitespace().for_each(|word| out.emit(word, 1));
//!     })
//!     .combine(|a, b| *a += b)
//!     .reduce(|word, count, out| out.line(format_args!("{word}\t{count}")))
//!     .memory(64 << 20)
//!     .workers(2)
//!     .run(work)?;
//! assert_eq!(std::fs::read_to_string(&done.parts()?[0]).unwrap(), "be\t2\nnot\t1\nor\t1\nto\t2\n");
//! # std::fs::remove_dir_all(dir).unwrap();
//! # Ok::<(), divvy_mapreduce::Error>(())
//! ```
//!
//! The [job](Job) keeps what it needs in a directory. A program that is killed and started again goes on where it was: what
//! was mapped and reduced is not done again, and counters are exact.
//!
//! | to | there is |
//! |---|---|
//! | read | lines as `&str` or `&[u8]`, or records of [another form](MapReduce::records), plain or packed |
//! | map | [`map`](MapReduce::map) to pairs, [`map_only`](MapReduce::map_only) to output |
//! | make less of it at once | [`combine`](Mapped::combine) by a function, [`combined`](Mapped::combined) as the type does it |
//! | reduce | [`reduce`](Mapped::reduce) to output, [`reduce_to`](Mapped::reduce_to) to pairs for another stage |
//! | divide the output | by ranges of keys, [`hashed`](Mapped::hashed), or by [your own function](Mapped::partition) |
//! | see what happened | counters, and the records that were [passed over](Job::skip_bad), in the [`Summary`] |
//!
//! Keys and values are any [`Datum`]. Keys are in their natural order in the output; [`Reverse`](std::cmp::Reverse) turns it.
//! Values come in the order of the inputs. The output is the same bytes however many workers, splits and bytes of memory
//! there are, if the functions depend on nothing but what they are given.
//!
//! | file | idea |
//! |---|---|
//! | `build.rs`, `job.rs` | what a program looks like |
//! | `datum.rs`, `record.rs` | what functions get |
//! | `emit.rs` | what they write to and read from |
//! | `stage.rs` | a stage without its types, as the phases run it |
//! | `mapping.rs`, `held.rs` | records to pairs; pairs in memory |
//! | `reducing.rs`, `outs.rs` | groups to output |
//! | `only.rs` | stages that only map |
//! | `pairs.rs` | pairs between two stages |
//! | `place.rs`, `drive.rs` | a job's directory; running it |

mod build;
mod datum;
mod drive;
mod emit;
mod held;
mod job;
mod mapping;
mod only;
mod outs;
mod pairs;
mod place;
mod record;
mod reducing;
mod stage;

pub use build::{Combined, Each, MapReduce, Mapped, Pairs};
pub use datum::{AsDatum, Datum};
pub use emit::{Emit, Out, Values};
pub use job::{Job, Summary};
pub use record::{Outcome, Record};
