//! The schema: migrations, and the large tables' indexes.

pub(crate) mod indexes;
pub(crate) mod migrations;
