//! Floor 2: vendor files: reading, checking, generating.

mod check;
mod columns;
mod draws;
mod generate;
mod generate_names;
mod generate_places;
mod generate_prices;
mod generate_trades;
mod raw;
mod read;
mod split;
mod write;

pub use generate::{GenerateOptions, STYLES, generate};
pub use generate_places::areas;
pub use generate_trades::{AMENITIES, CUISINES, DIETS, VENUE_TYPES};
pub use read::{Format, ROWS_MAX, Row, reader};
pub use write::write;
