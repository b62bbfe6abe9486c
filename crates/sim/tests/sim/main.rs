//! The model against the suite of the port, planted bugs against the suite, and the model beside the real SQLite.

mod differential;
mod suite;
