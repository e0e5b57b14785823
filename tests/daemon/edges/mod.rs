//! What lies at the edges, most of it from `tests/cases/edges`: times, days, places, options, and
//! what comes after the offer.

mod after;
mod days;
mod options;
mod places;
mod times;
