//! Measurements in, a law out, and no more claimed than they show.

mod reason;
mod result;

pub use reason::Reason;
pub use result::{Estimate, Fit, Options, Peak, Point, Residual, Rival, Row, UslEstimate};
