//! What is read: files, cut into splits, read as pieces of whole records.
//!
//! | file | idea |
//! |---|---|
//! | `files.rs` | which files are meant, and whether they are still what they were |
//! | `codec.rs` | packed files |
//! | `framing.rs` | where one record ends |
//! | `split.rs` | the parts that map tasks read |
//! | `pieces.rs` | reading them |

mod codec;
mod files;
mod framing;
mod pieces;
mod split;

pub use codec::Codec;
pub use files::{InputFile, expand};
pub use framing::{Framing, is_white};
pub use pieces::{PIECE_BYTES, Pieces};
pub use split::{Split, Splits};

#[cfg(test)]
mod input_tests;
