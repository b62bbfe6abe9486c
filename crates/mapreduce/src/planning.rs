//! Looking at a sample of the inputs before anything is planned.

use crate::input::{Codec, Framing, InputFile, PIECE_BYTES, Pieces, Split, Splits};
use crate::program::Program;
use crate::{Error, Result, Splitters};

/// Places that are looked at.
const PLACES: u64 = 64;
/// Bytes that are looked at in each. Parts of the size that is hoped for, to a tenth, take some hundred sampled keys each:
/// with a thousand parts of records this is half of that.
const PLACE_BYTES: u64 = 64 << 10;
/// And where keys count once, since there are few parts then: looking at more is a tenth of counting the words of a gigabyte.
const PLACE_BYTES_DISTINCT: u64 = 8 << 10;

/// Split points for about so many partitions of equal size, by what a program makes of some places in the inputs. Keys count
/// once if `distinct`: what is combined takes the same however often it is there.
///
/// # Errors
/// If an input cannot be read.
pub fn sampled(
    program: &dyn Program,
    files: &[InputFile],
    framing: Framing,
    partitions: u32,
    distinct: bool,
) -> Result<Splitters> {
    if partitions <= 1 {
        return Ok(Splitters::new([]));
    }
    let bytes = if distinct { PLACE_BYTES_DISTINCT } else { PLACE_BYTES };
    let places = Splits::new(files.to_vec(), framing, bytes);
    let (mut keys, mut buf) = (Vec::new(), Vec::new());
    let step = places.count().div_ceil(PLACES).max(1);
    for number in (0..places.count()).step_by(step as usize) {
        let place = places.get(number);
        let input = &files[place.file];
        match look(program, input, place, framing, &mut buf, &mut keys) {
            // Whether there is memory for it is found out when it is mapped.
            Err(Error::TooLarge { .. }) => {}
            looked => looked?,
        }
    }
    if distinct {
        keys.sort_unstable();
        keys.dedup();
    }
    Ok(Splitters::sampled(keys, partitions))
}

fn look(
    program: &dyn Program,
    input: &InputFile,
    place: Split,
    framing: Framing,
    buf: &mut Vec<u8>,
    keys: &mut Vec<Vec<u8>>,
) -> Result<()> {
    let mut pieces = Pieces::open(input, place, framing, buf, PIECE_BYTES)?;
    while pieces.advance()? {
        program.sample(pieces.piece(), framing, keys);
        // Of a packed file only the beginning: to go through it takes as long as the job itself.
        if input.codec != Codec::Plain {
            break;
        }
    }
    Ok(())
}
