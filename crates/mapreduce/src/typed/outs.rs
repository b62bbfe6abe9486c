//! The outputs of a part: the main one, and those that have names.

use super::emit::Outlet;
use crate::Result;
use crate::manifest::count;
use crate::part::PartWriter;
use crate::program::Part;
use std::collections::BTreeMap;

/// All of them, being written. The named ones get their names before the main one does: a part that is there is whole.
pub(super) struct Outs<'a> {
    main: &'a mut PartWriter,
    named: Vec<PartWriter>,
    counters: &'a mut BTreeMap<String, u64>,
    trouble: Option<crate::Error>,
}

impl<'a> Outs<'a> {
    /// A part of each, in directories of their names.
    pub(super) fn create(part: &'a mut Part<'_>, names: &[String]) -> Result<Outs<'a>> {
        let named = names.iter().map(|name| part.out.beside(name)).collect::<Result<_>>()?;
        Ok(Outs { main: part.out, named, counters: part.counters, trouble: None })
    }

    /// Fails if something could not be written.
    pub(super) fn check(&mut self) -> Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.check()?;
        for named in self.named {
            count(self.counters, "output bytes", named.written());
            named.finish()?;
        }
        Ok(())
    }
}

impl Outlet for Outs<'_> {
    #[inline]
    fn write(&mut self, output: usize, bytes: &[u8]) {
        if self.trouble.is_some() {
            return;
        }
        let out = match output.checked_sub(1) {
            None => &mut *self.main,
            Some(named) => &mut self.named[named],
        };
        self.trouble = out.write(bytes).err();
    }

    fn count(&mut self, counter: &str, n: u64) {
        count(self.counters, counter, n);
    }
}
