//! Programs in any language, as Hadoop streaming has them: a mapper that reads lines and prints `key\tvalue`, and a
//! reducer that reads such lines sorted by key.
//!
//! Order and division of the output are in the keys of the run files: the number of the part, then an encoding of the
//! fields that are compared, then the key. So sorting and merging know nothing of either.
//!
//! | file | idea |
//! |---|---|
//! | `spec.rs` | what a job says of its scripts |
//! | `fields.rs` | `-k1,2nr`: ranges of fields of a key |
//! | `order.rs` | fields as bytes that compare as the fields should |
//! | `keys.rs` | keys as run files have them; which part a key belongs to |
//! | `lines.rs` | a line as key and value |
//! | `places.rs` | lines with their place in the file |
//! | `surroundings.rs` | the directory and the environment of a process |
//! | `talk.rs` | a process that is fed and heard at once |
//! | `said.rs` | what it says on stderr: counters, and words for people |
//! | `collect.rs` | what mappers print, sorted and combined |
//! | `aggregate.rs`, `double.rs` | Hadoop's library of reducers |
//! | `map.rs`, `reduce.rs` | the two halves of the program |
//! | `blame.rs` | which record a mapper fails on |

mod aggregate;
mod blame;
mod collect;
mod double;
mod fields;
mod keys;
mod lines;
mod map;
mod order;
mod places;
mod reduce;
mod said;
mod spec;
mod surroundings;
mod talk;

pub use fields::{Field, KeySpec, parse_specs};
pub use spec::{Form, Reduction, Script, Stream};
pub use surroundings::{Node, Status, Words};

use crate::Result;
use crate::phase::Programs;
use crate::plan::ProgramRef;
use crate::program::{Mapper, Program, Reducer, Room};
use crate::ready::grep::InOrder;
use std::sync::Arc;
use surroundings::Host;

/// What plans call it.
pub const KIND: &str = "stream";

/// These programs and streams, whose processes run on this node.
#[must_use]
pub fn with_streams(others: Programs, node: Node) -> Programs {
    Arc::new(move |program| {
        if program.kind != KIND {
            return others(program);
        }
        let stream: Stream = postcard::from_bytes(&program.detail)
            .map_err(|_| format!("this divvy does not understand the plan of a {KIND}"))?;
        Ok(Box::new(Streaming(Arc::new(Host::new(stream, node.clone())))))
    })
}

impl Stream {
    /// How a plan names it.
    #[must_use]
    pub fn to_ref(&self) -> ProgramRef {
        let detail = postcard::to_stdvec(self).expect("a stream has nothing that cannot be written");
        ProgramRef { kind: KIND.into(), detail }
    }
}

struct Streaming(Arc<Host>);

impl Program for Streaming {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        Ok(Box::new(map::Mapping::new(&self.0, room)?))
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        Ok(match self.0.stream.reduction {
            Reduction::None => Box::new(InOrder { memory: room.memory }),
            _ => Box::new(reduce::Reducing::new(&self.0, room)?),
        })
    }
}
