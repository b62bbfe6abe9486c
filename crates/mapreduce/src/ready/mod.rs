//! Programs that are ready-made.

mod collected;
mod count;
pub(crate) mod grep;
mod join;
mod sort;

pub use count::{Count, Field};
pub use grep::Grep;
pub use join::Join;
pub use sort::Sort;

use crate::Result;
use crate::phase::Programs;
use crate::plan::ProgramRef;
use crate::program::Program;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// A program that can be written down.
pub trait Ready: Program + Serialize + DeserializeOwned + Sized + 'static {
    /// What it is called.
    const KIND: &str;

    /// How a plan names it.
    fn to_ref(&self) -> ProgramRef {
        let detail = postcard::to_stdvec(self).expect("a program has nothing that cannot be written");
        ProgramRef { kind: Self::KIND.into(), detail }
    }
}

fn read<P: Ready>(program: &ProgramRef) -> Option<Result<Box<dyn Program>, String>> {
    (program.kind == P::KIND).then(|| {
        let read: Result<P, _> = postcard::from_bytes(&program.detail);
        read.map(|program| Box::new(program) as Box<dyn Program>)
            .map_err(|_| format!("this divvy does not understand the plan of a {}", P::KIND))
    })
}

/// All of them.
#[must_use]
pub fn programs() -> Programs {
    Arc::new(|program| {
        let known = [read::<Count>, read::<Grep>, read::<Join>, read::<Sort>];
        let found = known.iter().find_map(|read| read(program));
        found.unwrap_or_else(|| Err(format!("this divvy has no program `{}`", program.kind)))
    })
}
