//! Short names for what the tables of keys are full of.

use std::time::Duration;

use super::value::Kind;

pub(super) const fn integer(min: u64, max: u64) -> Kind {
    Kind::Integer { min, max }
}

pub(super) const fn number(min: f64, max: f64) -> Kind {
    Kind::Number { min, max }
}

pub(super) const fn span(min: Duration, max: Duration) -> Kind {
    Kind::Span { min, max }
}

pub(super) const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(super) const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) const HOUR: Duration = s(3_600);
pub(super) const DAY: Duration = s(86_400);
