//! A stage: what a program of the user's own does between its inputs and its output, without its types.

use super::emit::{Collect, Outlet, Scratch, Source};
use super::held::{Held, Sorted, Tabled};
use super::mapping::{Mapping, caught, keys_of};
use super::only::{Copying, Only};
use super::reducing::Reducing;
use crate::input::Framing;
use crate::program::{Mapper, Program, Reducer, Room};
use crate::table::Combine;
use crate::typed::Datum;
use crate::{Result, Splitters};
use std::sync::Arc;

/// Maps a record to pairs.
pub(super) type MapFn = dyn Fn(&[u8], &mut dyn Collect, &mut Scratch) -> Result<(), String> + Send + Sync;

/// Maps a record to output.
pub(super) type OnlyFn =
    dyn Fn(&[u8], &mut dyn Outlet, &[String], &mut Scratch) -> Result<(), String> + Send + Sync;

/// Reduces a key and its values to output.
pub(super) type ReduceFn = dyn Fn(&[u8], &mut dyn Source, &mut dyn Outlet, &[String], &mut Scratch) -> Result<(), String>
    + Send
    + Sync;

/// Makes one value of two.
pub(super) type CombineFn = dyn Fn(&mut Vec<u8>, &[u8]) -> Result<(), String> + Send + Sync;

/// The part of a key.
pub(super) type PartFn = dyn Fn(&[u8]) -> u32 + Send + Sync;

/// What a stage does.
#[derive(Clone)]
pub(super) enum Does {
    /// Maps, and the output is in the order of the inputs.
    Map(Arc<OnlyFn>),
    /// Maps, groups by key, reduces.
    Group { map: Arc<MapFn>, hold: Hold, partition: Partition, reduce: Arc<ReduceFn> },
}

/// How pairs are held between map and reduce.
#[derive(Clone)]
pub(super) enum Hold {
    /// As they are.
    All,
    /// Combined when they are written down.
    Combined(Arc<CombineFn>),
    /// Combined as they come.
    Table(MakeTable),
}

/// Makes what holds combined pairs in so many bytes.
pub(super) type MakeTable = fn(usize, Arc<Splitters>) -> Box<dyn Held>;

pub(super) fn make_table<V: Datum + Combine + Send>(
    bytes: usize,
    splitters: Arc<Splitters>,
) -> Box<dyn Held> {
    Box::new(Tabled::<V>::new(bytes, splitters))
}

/// Which part of the output a key is in.
#[derive(Clone)]
pub(super) enum Partition {
    /// Ranges of keys, so that all parts together are in their order.
    Ranges,
    /// So many, by this; each part is in the order of its keys.
    By(u32, Arc<PartFn>),
}

/// Bytes before a key that say its part, where a function does.
pub(super) const PART_BYTES: usize = 4;

impl Partition {
    /// The key as it is held and sorted, which the splitters are made for.
    #[inline]
    pub(super) fn placed<'b>(&self, key: &'b [u8], buf: &'b mut Vec<u8>) -> &'b [u8] {
        match self {
            Partition::Ranges => key,
            Partition::By(count, part) => {
                buf.clear();
                buf.extend_from_slice(&(part(key) % count).to_be_bytes());
                buf.extend_from_slice(key);
                buf
            }
        }
    }

    /// The key itself.
    pub(super) fn key<'b>(&self, placed: &'b [u8]) -> &'b [u8] {
        match self {
            Partition::Ranges => placed,
            Partition::By(..) => &placed[PART_BYTES..],
        }
    }
}

/// A stage as it was built.
pub(super) struct Stage {
    pub(super) does: Does,
    /// Parts of its output, if that was said.
    pub(super) parts: Option<u32>,
    /// Outputs beside the main one.
    pub(super) names: Vec<String>,
}

impl Stage {
    /// Whether a key takes the same however often it is there.
    pub(super) fn is_combined(&self) -> bool {
        matches!(&self.does, Does::Group { hold: Hold::Combined(_) | Hold::Table(_), .. })
    }
}

/// A stage as the phases run it.
pub(super) struct Typed(pub(super) Arc<Stage>);

impl Program for Typed {
    fn mapper(&self, room: &Room) -> Result<Box<dyn Mapper>> {
        Ok(match &self.0.does {
            Does::Map(map) => Box::new(Only::new(map.clone(), self.0.clone(), room)),
            Does::Group { map, hold, partition, .. } => {
                let bytes = Mapping::room(room);
                let held: Box<dyn Held> = match hold {
                    Hold::All => Box::new(Sorted::new(bytes, room.splitters.clone(), None)),
                    Hold::Combined(combine) => {
                        Box::new(Sorted::new(bytes, room.splitters.clone(), Some(combine.clone())))
                    }
                    Hold::Table(make) => make(bytes, room.splitters.clone()),
                };
                Box::new(Mapping::new(map.clone(), partition.clone(), held))
            }
        })
    }

    fn reducer(&self, room: &Room) -> Result<Box<dyn Reducer>> {
        Ok(match &self.0.does {
            Does::Map(_) => Box::new(Copying::new(self.0.clone(), room)),
            Does::Group { partition, reduce, .. } => {
                Box::new(Reducing::new(reduce.clone(), partition.clone(), self.0.clone(), room))
            }
        })
    }

    fn sample(&self, piece: &[u8], framing: Framing, keys: &mut Vec<Vec<u8>>) {
        if let Does::Group { map, .. } = &self.0.does {
            let mut scratch = Scratch::default();
            for record in framing.records(piece) {
                // What fails here fails again when it is mapped, and is told then.
                let _ = caught(|| map(record, &mut keys_of(keys), &mut scratch));
            }
        }
    }
}
