//! Floor 2: vendor files: reading, checking, generating.

mod bounded_input;
mod check;
mod columns;
mod draws;
mod generate;
mod generate_names;
mod generate_places;
mod generate_prices;
mod generate_sites;
mod generate_trades;
#[cfg(test)]
mod parser_properties;
mod raw;
mod read;
mod split;
mod write;

pub use generate::{GenerateOptions, generate};
pub use generate_places::invented_cities;
pub use generate_sites::{areas, check_sites};
pub use read::{Format, ROWS_MAX, Row, reader};
pub use write::write;
