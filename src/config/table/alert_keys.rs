//! The keys of the alerts: five for each row of their table.

use std::sync::LazyLock;

use super::{
    key::Key,
    kinds::{DAY, integer, s, span},
    value::{Field, Kind},
};
use crate::settings::Settings;
use telemetry::alerts::{ALERTS, Rule};

/// A key of the alert in row `$row`, for a field of its thresholds.
macro_rules! key {
    ($row:expr, $field:ident, $name:literal, $kind:expr, $unit:expr, $what:expr) => {
        Key {
            name: kept(format!("alerts.{}.{}", ALERTS[$row].name, $name)),
            kind: $kind,
            unit: $unit,
            what: $what,
            row: $row,
            get: |settings: &Settings, row| (ALERTS[row].of)(&settings.alerts).$field.get(),
            set: |settings: &mut Settings, row, value| {
                (ALERTS[row].of_mut)(&mut settings.alerts).$field.set(value)
            },
            holds: None,
            is_site: false,
        }
    };
}

pub(super) static ALERT_KEYS: LazyLock<Vec<Key<Settings>>> =
    LazyLock::new(|| ALERTS.iter().enumerate().flat_map(keys_of).collect());

#[rustfmt::skip]
fn keys_of((row, rule): (usize, &Rule)) -> [Key<Settings>; 5] {
    let threshold = Kind::Threshold { min: 0.0, max: rule.max };
    let what = kept(format!("{} {}", rule.what, rule.bad.as_str()));
    [
        key!(row, warning, "warning", threshold, rule.unit_of, what),
        key!(row, critical, "critical", threshold, rule.unit_of, "The same for a critical alert"),
        key!(row, pending_for, "for", span(s(0), DAY), "", "It fires once that lasted this time"),
        key!(row, keep_firing_for, "keep_firing_for", span(s(0), DAY), "", "It is resolved once that was over for this time"),
        key!(row, min_samples, "min_samples", integer(1, 1_000_000), "samples in a cycle", "Fewer samples say nothing"),
    ]
}

/// The table is made once and lives as long as the process.
fn kept(text: String) -> &'static str {
    text.leak()
}
