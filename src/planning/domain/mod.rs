//! A request and its vendors: what each costs, who may stand where, what speaks against whom.

pub mod basis;
pub mod constraints;
pub(crate) mod eligible;
pub mod input;
pub mod neighbours;
pub(crate) mod policies;
pub mod quote;
pub(crate) mod roles;
pub mod violation;
