//! Makes parts of groups: a key and its values at a time.

use super::emit::{Outlet, Scratch, Source};
use super::mapping::caught;
use super::outs::Outs;
use super::stage::{Partition, ReduceFn, Stage};
use crate::merging::Merging;
use crate::part::PartWriter;
use crate::program::{Part, Reducer, Room};
use crate::sort::{Group, Groups};
use crate::{Error, Result};
use std::sync::Arc;

/// Reduces for one worker.
pub(super) struct Reducing {
    reduce: Arc<ReduceFn>,
    partition: Partition,
    stage: Arc<Stage>,
    merging: Merging,
    scratch: Scratch,
}

impl Reducing {
    pub(super) fn new(
        reduce: Arc<ReduceFn>,
        partition: Partition,
        stage: Arc<Stage>,
        room: &Room,
    ) -> Reducing {
        let outputs = PartWriter::MEMORY * (1 + stage.names.len());
        let merging = Merging::new(room, outputs);
        Reducing { reduce, partition, stage, merging, scratch: Scratch::default() }
    }
}

impl Reducer for Reducing {
    fn reduce(&mut self, part: &mut Part<'_>) -> Result<()> {
        let mut groups = Groups::new(self.merging.part(part)?)?;
        let names = &self.stage.names;
        let mut outs = Outs::create(part, names)?;
        let mut count = 0;
        while let Some(group) = groups.next_group()? {
            let placed = group.key().to_vec();
            let key = self.partition.key(&placed);
            let mut values = Grouped { group, trouble: None };
            let called = caught(|| (self.reduce)(key, &mut values, &mut outs, names, &mut self.scratch));
            // It may be why the function has failed.
            values.trouble.map_or(Ok(()), Err)?;
            outs.check()?;
            called.map_err(|why| Error::Program {
                why: format!("the program fails on the key {}: {why}", shown(key)),
            })?;
            count += 1;
        }
        outs.count("keys", count);
        outs.finish()
    }
}

/// A key for people.
fn shown(key: &[u8]) -> String {
    const MOST: usize = 80;
    let more = if key.len() > MOST { "..." } else { "" };
    format!("\"{}\"{more}", key[..key.len().min(MOST)].escape_ascii())
}

/// The values of one key, as they are read.
struct Grouped<'g, 'm> {
    group: Group<'g, 'm>,
    trouble: Option<Error>,
}

impl Source for Grouped<'_, '_> {
    fn next(&mut self) -> Option<&[u8]> {
        if self.trouble.is_some() {
            return None;
        }
        match self.group.next_value() {
            Ok(value) => value,
            Err(error) => {
                self.trouble = Some(error);
                None
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.trouble.is_some()
    }
}
