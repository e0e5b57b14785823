//! The checks of a vendor file's fields, by kind. Each names the field that it refuses, with a
//! remedy.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;

use super::raw::{RawAmount, RawCapacity, RawPoint, RawPolicies, RawPrice, RawSource, RawWeekday};
use model::{
    Amount, Basis, Capacity, Category, CateringPolicy, Currency, FieldErrors, GeoPoint, HouseRule,
    Percent, Policies, PriceLine, Source, Weekday, parse_local_date, parse_local_time,
};

pub(crate) const WORD_MAX_CHARS: usize = 64;
pub(crate) const NAME_MAX_CHARS: usize = 200;
/// Tags, amenities, styles; price lines; contact entries.
const LIST_MAX: usize = 64;
const BLACKOUT_DATES_MAX: usize = 1_000;
const GUESTS_MAX: i64 = 100_000;

/// A line of text, trimmed.
pub(crate) fn text(e: &mut FieldErrors, field: &str, text: &str, max_chars: usize) -> String {
    let text = text.trim();
    if text.is_empty() {
        e.push(field, "is empty", "write it out");
    } else if text.chars().any(is_unsafe) {
        e.push(field, "holds a control character", "remove it");
    }
    bounded(e, field, text, max_chars);
    text.to_owned()
}

/// Several lines of text, trimmed.
pub(crate) fn description(e: &mut FieldErrors, text: &str, max_chars: usize) -> String {
    let text = text.trim();
    if text.chars().any(|c| is_unsafe(c) && c != '\n' && c != '\t') {
        e.push("description", "holds a control character", "remove it");
    }
    bounded(e, "description", text, max_chars);
    text.to_owned()
}

fn bounded(e: &mut FieldErrors, field: &str, text: &str, max_chars: usize) {
    let chars = text.chars().count();
    if chars > max_chars {
        let hint = format!("shorten it to {max_chars} characters at most");
        e.push(field, format!("has {chars} characters"), hint);
    }
}

/// Control characters, and the marks that make text read in another order than it is stored.
fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// NaN and the infinities are outside every range.
pub(crate) fn number(e: &mut FieldErrors, field: &str, value: f64, min: f64, max: f64) -> f64 {
    if !(min..=max).contains(&value) {
        e.push(field, format!("is {value}"), format!("write a number from {min} to {max}"));
    }
    value
}

pub(crate) fn location(e: &mut FieldErrors, at: &RawPoint) -> GeoPoint {
    GeoPoint {
        lat: number(e, "location.lat", at.lat, -90.0, 90.0),
        lon: number(e, "location.lon", at.lon, -180.0, 180.0),
    }
}

pub(crate) fn whole(e: &mut FieldErrors, field: &str, value: i64, min: i64, max: i64) -> u32 {
    if !(min..=max).contains(&value) {
        e.push(field, format!("is {value}"), format!("write a whole number from {min} to {max}"));
    }
    u32::try_from(value).unwrap_or_default()
}

pub(crate) fn percent(e: &mut FieldErrors, field: &str, value: f64) -> Percent {
    Percent::from_f64(value).unwrap_or_else(|message| {
        e.push(field, message, "write a percentage such as 18 or 12.5");
        Percent::default()
    })
}

fn list_bounded(e: &mut FieldErrors, field: &str, length: usize, max: usize) {
    if length > max {
        e.push(field, format!("has {length} entries"), format!("keep at most {max}"));
    }
}

/// Lowercase, in the order written, each once.
pub(crate) fn words(e: &mut FieldErrors, field: &str, list: &[String]) -> Vec<String> {
    list_bounded(e, field, list.len(), LIST_MAX);
    let mut kept: Vec<String> = Vec::with_capacity(list.len().min(LIST_MAX));
    for (i, word) in list.iter().take(LIST_MAX).enumerate() {
        let word = text(e, &format!("{field}[{i}]"), word, WORD_MAX_CHARS).to_lowercase();
        if !kept.contains(&word) {
            kept.push(word);
        }
    }
    kept
}

pub(crate) fn pricing(e: &mut FieldErrors, raw: Vec<RawPrice>) -> Vec<PriceLine> {
    if raw.is_empty() {
        e.push("pricing", "is empty", "add at least one price");
    }
    list_bounded(e, "pricing", raw.len(), LIST_MAX);
    let mut lines: Vec<PriceLine> = Vec::with_capacity(raw.len().min(LIST_MAX));
    for (i, price) in raw.into_iter().take(LIST_MAX).enumerate() {
        let at = format!("pricing[{i}]");
        let label = text(e, &format!("{at}.label"), &price.label, NAME_MAX_CHARS);
        if price.option.is_some() && price.basis != Basis::PerGuest {
            let hint = "remove the option, or make the basis per_guest";
            e.push(format!("{at}.option"), "stands beside another basis than per_guest", hint);
        }
        let currency = match price.currency.parse::<Currency>() {
            Ok(currency) => currency,
            Err(message) => {
                e.push(format!("{at}.currency"), message, "write a code such as INR or EUR");
                continue;
            }
        };
        let first = lines.first().map_or(currency, |line| line.currency);
        if currency != first {
            let message = format!("is {currency}, while the first price is in {first}");
            e.push(format!("{at}.currency"), message, "write all prices in one currency");
            continue;
        }
        let written = match &price.amount {
            RawAmount::Text(text) => Amount::parse(text.trim(), currency),
            RawAmount::Whole(number) => Amount::parse(&number.to_string(), currency),
            RawAmount::Fraction(number) => Err(format!("{number} is a floating-point number")),
        };
        match written {
            Ok(amount) if amount.minor >= 0 => {
                let (basis, option) = (price.basis, price.option);
                lines.push(PriceLine { label, basis, amount, currency, option });
            }
            Ok(amount) => {
                e.push(format!("{at}.amount"), format!("is {amount}"), "write zero or more");
            }
            Err(message) => {
                let hint = "write a decimal string such as \"1500.00\"";
                e.push(format!("{at}.amount"), message, hint);
            }
        }
    }
    lines
}

pub(crate) fn capacity(e: &mut FieldErrors, raw: &RawCapacity) -> Capacity {
    let mut guests = |field: &str, value: Option<i64>| {
        value.map(|value| whole(e, &format!("capacity.{field}"), value, 0, GUESTS_MAX))
    };
    let (min, ideal, max) =
        (guests("min", raw.min), guests("ideal", raw.ideal), guests("max", raw.max));
    for (low, low_value, high, high_value) in
        [("min", min, "ideal", ideal), ("ideal", ideal, "max", max), ("min", min, "max", max)]
    {
        if let (Some(l), Some(h)) = (low_value, high_value)
            && l > h
        {
            let message = format!("is {l}, above {high} {h}");
            e.push(format!("capacity.{low}"), message, "write min ≤ ideal ≤ max");
        }
    }
    Capacity { min, ideal, max }
}

pub(crate) fn policies(e: &mut FieldErrors, raw: RawPolicies) -> Policies {
    let mut rule = |field: &str, rule: Option<HouseRule>| match rule {
        Some(HouseRule::Text(t)) => {
            Some(HouseRule::Text(text(e, &format!("policies.{field}"), &t, NAME_MAX_CHARS)))
        }
        other => other,
    };
    let (alcohol, decor) = (rule("alcohol", raw.alcohol), rule("decor", raw.decor));
    let mut time = |field: &str, written: Option<String>| {
        let written = written?;
        let parsed = parse_local_time(written.trim()).map_err(|message| {
            let hint = "write hours and minutes such as 23:00, without a zone or an offset";
            e.push(format!("policies.{field}"), message, hint);
        });
        parsed.ok()
    };
    Policies {
        catering: raw.catering,
        alcohol,
        decor,
        music_until: time("music_until", raw.music_until),
        open_from: time("open_from", raw.open_from),
        open_until: time("open_until", raw.open_until),
    }
}

/// A venue that only lets its own kitchen cook says what a plate costs.
pub(crate) fn in_house_has_plates(
    e: &mut FieldErrors,
    category: &Category,
    policies: Option<&Policies>,
    pricing: &[PriceLine],
) {
    let in_house = policies.and_then(|p| p.catering) == Some(CateringPolicy::InHouse);
    let has_plates = pricing.iter().any(|line| line.basis == Basis::PerGuest);
    if category.as_str() == "venue" && in_house && !has_plates {
        e.push(
            "policies.catering",
            "is in_house, but no price is per_guest",
            "add the kitchen's per_guest prices, or allow outside caterers",
        );
    }
}

pub(crate) fn contact(
    e: &mut FieldErrors,
    raw: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    list_bounded(e, "contact", raw.len(), LIST_MAX);
    let mut contact = BTreeMap::new();
    for (key, value) in raw.iter().take(LIST_MAX) {
        let field = format!("contact.{}", shown(key));
        let key = text(e, &field, key, WORD_MAX_CHARS);
        contact.insert(key, text(e, &field, value, NAME_MAX_CHARS));
    }
    contact
}

pub(crate) fn weekdays(e: &mut FieldErrors, raw: &[RawWeekday]) -> Vec<Weekday> {
    list_bounded(e, "closed_weekdays", raw.len(), 7);
    let mut days = BTreeMap::new();
    for (i, day) in raw.iter().take(7).enumerate() {
        let parsed = match day {
            RawWeekday::Text(text) => text.parse::<Weekday>(),
            RawWeekday::Number(number) => number.to_string().parse(),
        };
        match parsed {
            Ok(day) => drop(days.insert(day.iso(), day)),
            Err(message) => {
                let hint = "write a name such as monday, or 1 (Monday) to 7 (Sunday)";
                e.push(format!("closed_weekdays[{i}]"), message, hint);
            }
        }
    }
    days.into_values().collect()
}

pub(crate) fn dates(e: &mut FieldErrors, raw: &[String]) -> Vec<civil::Date> {
    list_bounded(e, "blackout_dates", raw.len(), BLACKOUT_DATES_MAX);
    let written = raw.iter().take(BLACKOUT_DATES_MAX).enumerate();
    let days: BTreeSet<civil::Date> =
        written.filter_map(|(i, day)| date(e, &format!("blackout_dates[{i}]"), day)).collect();
    days.into_iter().collect()
}

fn date(e: &mut FieldErrors, field: &str, written: &str) -> Option<civil::Date> {
    let parsed = parse_local_date(written.trim());
    parsed.map_err(|message| e.push(field, message, "write one as 2027-02-14")).ok()
}

pub(crate) fn source(e: &mut FieldErrors, raw: &RawSource) -> Source {
    let name = text(e, "source.name", &raw.name, NAME_MAX_CHARS);
    let as_of = date(e, "source.as_of", &raw.as_of).unwrap_or_default();
    Source { name, as_of }
}

/// A piece of the input that an error message may show.
fn shown(text: &str) -> String {
    text.chars().take(32).flat_map(char::escape_debug).collect()
}
