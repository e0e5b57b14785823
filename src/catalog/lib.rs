//! Floor 2: vendor files: reading, checking, generating.

mod generate;
mod read;
mod write;

pub use generate::places::invented_cities;
pub use generate::sites::{areas, check_sites};
pub use generate::{GenerateOptions, generate};
pub use read::{Row, reader};
pub use write::write;
