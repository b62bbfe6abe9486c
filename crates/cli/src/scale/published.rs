//! Measurements that others have published, for tests.

/// SPEC SDM91: load and throughput, as in Gunther, *Guerrilla Capacity Planning* (2007).
pub const SPEC_SDM91: [(f64, f64); 7] = [
    (1.0, 64.9),
    (18.0, 995.9),
    (36.0, 1652.4),
    (72.0, 1853.2),
    (108.0, 1828.9),
    (144.0, 1775.0),
    (216.0, 1702.2),
];
