//! The bytes of a run file: headers, entries, tail and varints. All numbers are little-endian.

/// The most bytes of records that one block has before it is compressed: with its own header and the next one 64 KiB,
/// and few enough that the compressor's table has positions of 16 bits and stays in the nearest cache.
pub const BLOCK_BYTES: usize = (64 << 10) - 2 * HEADER;
/// The most bytes that key and value of one record have together.
pub const RECORD_MAX: usize = 1 << 30;

/// The first and the last bytes of every run file; the digit is the format's number.
pub(super) const MAGIC: [u8; 8] = *b"dvyrun1\n";
pub(crate) const HEADER: usize = 16;
pub(super) const ENTRY: usize = 64;
pub(super) const TAIL: usize = 48;

/// The block is an LZ4 block.
pub(super) const PACKED: u32 = 1;
/// The record at the end of the block goes on in the next one.
pub(super) const MORE: u32 = 2;

/// What stands before the bytes of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) stored: u32,
    pub(super) unpacked: u32,
    pub(super) flags: u32,
    pub(super) crc: u32,
}

impl Header {
    /// The header of these bytes, with their checksum.
    pub(super) fn of(stored: &[u8], unpacked: usize, flags: u32) -> Header {
        let mut header = Header { stored: stored.len() as u32, unpacked: unpacked as u32, flags, crc: 0 };
        header.crc = header.check(stored);
        header
    }

    /// The checksum over the other fields and the stored bytes.
    pub(super) fn check(&self, stored: &[u8]) -> u32 {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&self.encode()[..12]);
        hasher.update(stored);
        hasher.finalize()
    }

    pub(super) fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let fields = [self.stored, self.unpacked, self.flags, self.crc];
        bytes
            .chunks_exact_mut(4)
            .zip(fields)
            .for_each(|(to, field)| to.copy_from_slice(&field.to_le_bytes()));
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER]) -> Header {
        let field = |at| u32_at(bytes, at);
        Header { stored: field(0), unpacked: field(4), flags: field(8), crc: field(12) }
    }
}

/// Where the records of one partition are in a run file, and how large they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Segment {
    /// Which partition.
    pub partition: u32,
    /// Bytes of the largest unit that has to be in memory at once: a block, or a record that is larger than a block.
    pub chain_max: u32,
    /// Bytes of the longest key.
    pub key_max: u32,
    /// Checksum over the checksums of the blocks.
    pub check: u32,
    /// Where the first block begins in the file.
    pub offset: u64,
    /// Bytes in the file, with the headers of the blocks.
    pub stored: u64,
    /// Bytes of the records with their lengths.
    pub unpacked: u64,
    /// Bytes of the keys and values alone.
    pub payload: u64,
    /// Number of records.
    pub records: u64,
}

impl Segment {
    pub(super) fn encode(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let small = [self.partition, self.chain_max, self.key_max, self.check];
        let large = [self.offset, self.stored, self.unpacked, self.payload, self.records];
        bytes[..16].chunks_exact_mut(4).zip(small).for_each(|(to, n)| to.copy_from_slice(&n.to_le_bytes()));
        bytes[16..56].chunks_exact_mut(8).zip(large).for_each(|(to, n)| to.copy_from_slice(&n.to_le_bytes()));
        seal(&mut bytes);
        bytes
    }

    /// `None` if the checksum does not agree.
    pub(super) fn decode(bytes: &[u8; ENTRY]) -> Option<Segment> {
        is_sealed(bytes).then(|| Segment {
            partition: u32_at(bytes, 0),
            chain_max: u32_at(bytes, 4),
            key_max: u32_at(bytes, 8),
            check: u32_at(bytes, 12),
            offset: u64_at(bytes, 16),
            stored: u64_at(bytes, 24),
            unpacked: u64_at(bytes, 32),
            payload: u64_at(bytes, 40),
            records: u64_at(bytes, 48),
        })
    }
}

/// The end of the file: what it has, and where its entries are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tail {
    pub(super) bytes: u64,
    pub(super) payload: u64,
    pub(super) records: u64,
    pub(super) partitions: u32,
    pub(super) check: u32,
}

impl Tail {
    pub(super) fn encode(&self) -> [u8; TAIL] {
        let mut bytes = [0; TAIL];
        let large = [self.bytes, self.payload, self.records];
        bytes[..24].chunks_exact_mut(8).zip(large).for_each(|(to, n)| to.copy_from_slice(&n.to_le_bytes()));
        bytes[24..28].copy_from_slice(&self.partitions.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.check.to_le_bytes());
        bytes[32..40].copy_from_slice(&MAGIC);
        seal(&mut bytes);
        bytes
    }

    /// `None` if it is no tail.
    pub(super) fn decode(bytes: &[u8; TAIL]) -> Option<Tail> {
        (is_sealed(bytes) && bytes[32..40] == MAGIC).then(|| Tail {
            bytes: u64_at(bytes, 0),
            payload: u64_at(bytes, 8),
            records: u64_at(bytes, 16),
            partitions: u32_at(bytes, 24),
            check: u32_at(bytes, 28),
        })
    }
}

/// Puts the checksum of the rest into the last eight bytes, twice: the second one is inverted, so that zeros are no seal.
fn seal(bytes: &mut [u8]) {
    let (rest, end) = bytes.split_at_mut(bytes.len() - 8);
    let crc = crc32fast::hash(rest);
    end[..4].copy_from_slice(&crc.to_le_bytes());
    end[4..].copy_from_slice(&(!crc).to_le_bytes());
}

fn is_sealed(bytes: &[u8]) -> bool {
    let (rest, end) = bytes.split_at(bytes.len() - 8);
    let crc = crc32fast::hash(rest);
    u32_at(end, 0) == crc && u32_at(end, 4) == !crc
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("a field is inside"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("a field is inside"))
}

/// The most bytes of one varint of 32 bits.
pub(super) const VARINT_MAX: usize = 5;

/// Appends a number: seven bits a byte, the lowest first.
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut n: u32) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// The number at `*at`, which is moved behind it; `None` if there is none.
#[inline]
pub(crate) fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 {
        return Some(usize::from(first));
    }
    let mut n = u64::from(first & 0x7f);
    for shift in (7..).step_by(7).take(VARINT_MAX - 1) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        n |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(n as usize);
        }
    }
    None
}

/// Where a record is in a buffer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Record {
    /// Where the key begins; the value begins behind it.
    pub(crate) at: usize,
    pub(crate) key: usize,
    pub(crate) value: usize,
}

impl Record {
    /// The record at `at`; `None` if what is there is no whole record.
    #[inline]
    pub(crate) fn parse(bytes: &[u8], mut at: usize) -> Option<Record> {
        let lead = varint(bytes, &mut at)?;
        let key = lead >> 1;
        let value = if lead & 1 == 0 { 0 } else { varint(bytes, &mut at)? };
        // Both are below 2^35, the sum cannot wrap.
        (at + key + value <= bytes.len()).then_some(Record { at, key, value })
    }

    /// Appends what stands before a record's key: its length, doubled, plus one if a value has a length too. So a short
    /// line costs one byte, as its newline did, and a run is no larger than what is sorted.
    #[inline]
    pub(super) fn put_lead(out: &mut Vec<u8>, key: usize, value: usize) {
        put_varint(out, (key as u32) << 1 | u32::from(value > 0));
        if value > 0 {
            put_varint(out, value as u32);
        }
    }

    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.at + self.key + self.value
    }

    #[inline]
    pub(crate) fn key<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.at..self.at + self.key]
    }

    #[inline]
    pub(crate) fn value<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        &bytes[self.at + self.key..self.end()]
    }
}
