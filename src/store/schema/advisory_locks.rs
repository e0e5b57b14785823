//! The advisory locks that daemons of one database meet at.

/// Whoever brings the schema up to date: "evplmigr" in ASCII.
pub(crate) const MIGRATION: i64 = 0x6576_706c_6d69_6772;
/// Whoever builds or drops the large tables' indexes: "evplindx" in ASCII.
pub(crate) const INDEXES: i64 = 0x6576_706c_696e_6478;
/// The import: one at a time, or two that update the same rows in a different order would block
/// each other for good. "evplimpt" in ASCII.
pub(crate) const IMPORT: i64 = 0x6576_706c_696d_7074;
/// The catalogue: an import holds it for its commit, a selection shares it from its look at the
/// records to its end, so that no import comes in between. "evplcatg" in ASCII.
pub(crate) const CATALOGUE: i64 = 0x6576_706c_6361_7467;
