//! The schema: migrations, what they leave to the program, and the large tables' indexes.

pub(crate) mod advisory_locks;
pub(crate) mod indexes;
pub(crate) mod migrations;
pub(crate) mod tidy_names;
