//! The table of keys, what each may hold, and how it is printed.

pub(crate) mod check;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod print;
pub(crate) mod value;
