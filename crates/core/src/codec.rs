//! Varints and byte strings, for the small blobs that stores keep.

/// Bytes that end early or do not describe what they should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truncated;

/// Appends a LEB128 varint: seven bits a byte, low bits first; 1 to 10 bytes.
pub fn put_u64(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Takes a varint from the front of `bytes`.
///
/// # Errors
/// [`Truncated`] if the bytes end inside the number or it has more than 64 bits.
pub fn take_u64(bytes: &mut &[u8]) -> Result<u64, Truncated> {
    let mut n = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        if at == 9 && bits > 1 {
            return Err(Truncated);
        }
        n |= bits << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Ok(n);
        }
    }
    Err(Truncated)
}

/// Appends a byte string behind its length.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u64(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Takes a byte string from the front of `bytes`.
///
/// # Errors
/// [`Truncated`] if it is longer than what is there.
pub fn take_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Truncated> {
    let len = usize::try_from(take_u64(bytes)?).map_err(|_| Truncated)?;
    let (head, rest) = bytes.split_at_checked(len).ok_or(Truncated)?;
    *bytes = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        for n in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX - 1, u64::MAX] {
            let mut out = Vec::new();
            put_u64(&mut out, n);
            let mut bytes = out.as_slice();
            assert_eq!((take_u64(&mut bytes), bytes.len()), (Ok(n), 0));
            assert_eq!(take_u64(&mut &out[..out.len() - 1]), Err(Truncated));
        }
        assert_eq!(take_u64(&mut [0xff; 10].as_slice()), Err(Truncated));
        assert_eq!(take_bytes(&mut [200, 1, 0].as_slice()), Err(Truncated));
    }
}
