//! The table of keys, what each may hold, and how it is printed.

pub(crate) mod alert_keys;
pub(crate) mod check;
pub(crate) mod key;
pub(crate) mod keys;
pub(crate) mod kinds;
pub(crate) mod print;
pub(crate) mod sections;
pub(crate) mod value;
