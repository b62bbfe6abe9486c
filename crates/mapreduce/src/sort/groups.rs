//! The values of one key after the other: what a reducer sees.
//!
//! Only the key is kept. Values go by one at a time, so a key may have more of them than there is memory.

use super::merge::Merge;
use crate::Result;

/// Walks through a merge key by key.
#[derive(Debug)]
pub struct Groups<'m> {
    merge: Merge<'m>,
    key: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The merge stands on a record that was given to nobody.
    Ahead,
    /// The merge stands on a record of the group that is given out.
    Inside,
    /// There are no more records.
    End,
}

impl<'m> Groups<'m> {
    /// The groups of this merge, from its next record on.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged.
    pub fn new(mut merge: Merge<'m>) -> Result<Groups<'m>> {
        let state = if merge.advance()? { State::Ahead } else { State::End };
        Ok(Groups { merge, key: Vec::new(), state })
    }

    /// The next key; values of the one before that were not asked for are skipped.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged.
    pub fn next_group(&mut self) -> Result<Option<Group<'_, 'm>>> {
        while self.state == State::Inside {
            self.step()?;
        }
        if self.state == State::End {
            return Ok(None);
        }
        self.state = State::Inside;
        self.key.clear();
        self.key.reserve_exact(self.merge.key().len());
        self.key.extend_from_slice(self.merge.key());
        Ok(Some(Group { groups: self, began: false }))
    }

    /// Leaves the record that was given out.
    fn step(&mut self) -> Result<()> {
        self.state = match self.merge.advance()? {
            false => State::End,
            true if self.merge.key() == self.key => State::Inside,
            true => State::Ahead,
        };
        Ok(())
    }
}

/// A key and its values.
#[derive(Debug)]
pub struct Group<'g, 'm> {
    groups: &'g mut Groups<'m>,
    began: bool,
}

impl Group<'_, '_> {
    /// The key of all these values.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.groups.key
    }

    /// The next value, in the order of the input; `None` after the last.
    ///
    /// # Errors
    /// If a run cannot be read or is damaged.
    pub fn next_value(&mut self) -> Result<Option<&[u8]>> {
        let began = std::mem::replace(&mut self.began, true);
        if began && self.groups.state == State::Inside {
            self.groups.step()?;
        }
        Ok((self.groups.state == State::Inside).then(|| self.groups.merge.value()))
    }
}
