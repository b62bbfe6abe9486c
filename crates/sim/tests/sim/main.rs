//! The model against the suite of the port, planted bugs against the suite, the model beside the real SQLite, and
//! the world's seeds.

mod differential;
mod suite;
mod worlds;
