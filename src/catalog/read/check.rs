//! The checks that make a vendor of a file's row. Every refused field is named, with a remedy.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;

use super::raw::{RawAmount, RawCapacity, RawPolicies, RawPrice, RawSource, RawVendor, RawWeekday};
use model::{
    Amount, Basis, Capacity, Category, CateringPolicy, Currency, FieldErrors, GeoPoint, HouseRule,
    Percent, Policies, PriceLine, Source, Vendor, VendorId, Weekday, parse_local_date,
    parse_local_time, tidy_name,
};

const ID_MAX_CHARS: usize = 100;
const WORD_MAX_CHARS: usize = 64;
const NAME_MAX_CHARS: usize = 200;
const DESCRIPTION_MAX_CHARS: usize = 4_000;
/// Tags, amenities, styles; price lines; contact entries.
const LIST_MAX: usize = 64;
const BLACKOUT_DATES_MAX: usize = 1_000;
const GUESTS_MAX: i64 = 100_000;
/// Two days.
const SETUP_MAX_MINUTES: i64 = 2_880;
const LEAD_MAX_DAYS: i64 = 3_650;
const PARALLEL_EVENTS_MAX: i64 = 1_000;
/// A week.
const SERVICE_MAX_HOURS: f64 = 168.0;
/// Half the equator: everywhere.
const RADIUS_MAX_KM: f64 = 20_000.0;

/// # Errors
/// Every refused field of the row, in the order of the fields.
pub(crate) fn check(raw: RawVendor) -> Result<Vendor, FieldErrors> {
    let mut e = FieldErrors::default();
    let id = VendorId::new(&raw.external_id);
    text(&mut e, "external_id", id.as_str(), ID_MAX_CHARS);
    let category = Category::new(&raw.category);
    text(&mut e, "category", category.as_str(), WORD_MAX_CHARS);
    let name = text(&mut e, "name", &raw.name, NAME_MAX_CHARS);
    let city = text(&mut e, "city", &tidy_name(&raw.city), NAME_MAX_CHARS);
    let area = raw.area.map(|area| text(&mut e, "area", &tidy_name(&area), NAME_MAX_CHARS));
    let location = raw.location.map(|point| {
        number(&mut e, "location.lat", point.lat, -90.0, 90.0);
        number(&mut e, "location.lon", point.lon, -180.0, 180.0);
        GeoPoint { lat: point.lat, lon: point.lon }
    });
    let pricing = pricing(&mut e, raw.pricing);
    let capacity = raw.capacity.map(|raw| capacity(&mut e, &raw));
    let policies = raw.policies.map(|raw| policies(&mut e, raw));
    let in_house = policies.as_ref().and_then(|p| p.catering) == Some(CateringPolicy::InHouse);
    if category.as_str() == "venue"
        && in_house
        && pricing.iter().all(|p| p.basis != Basis::PerGuest)
    {
        e.push(
            "policies.catering",
            "is in_house, but no price is per_guest",
            "add the kitchen's per_guest prices, or allow outside caterers",
        );
    }
    if let Some(rating) = raw.rating {
        number(&mut e, "rating", rating, 0.0, 5.0);
    }
    let description = raw.description.map(|d| description(&mut e, &d));
    if let Some(hours) = raw.max_hours {
        number(&mut e, "max_hours", hours, 0.25, SERVICE_MAX_HOURS);
    }
    if let Some(km) = raw.service_radius_km {
        number(&mut e, "service_radius_km", km, 0.0, RADIUS_MAX_KM);
    }
    let vendor = Vendor {
        id,
        category,
        name,
        city,
        area,
        location,
        pricing,
        capacity,
        policies,
        tags: words(&mut e, "tags", &raw.tags),
        amenities: words(&mut e, "amenities", &raw.amenities),
        rating: raw.rating,
        description,
        contact: contact(&mut e, &raw.contact),
        setup_minutes: whole(&mut e, "setup_minutes", raw.setup_minutes, 0, SETUP_MAX_MINUTES),
        teardown_minutes: whole(
            &mut e,
            "teardown_minutes",
            raw.teardown_minutes,
            0,
            SETUP_MAX_MINUTES,
        ),
        styles: words(&mut e, "styles", &raw.styles),
        max_hours: raw.max_hours,
        lead_days: whole(&mut e, "lead_days", raw.lead_days, 0, LEAD_MAX_DAYS),
        closed_weekdays: weekdays(&mut e, &raw.closed_weekdays),
        blackout_dates: dates(&mut e, &raw.blackout_dates),
        tax: percent(&mut e, "tax_percent", raw.tax_percent),
        service_charge: percent(&mut e, "service_charge_percent", raw.service_charge_percent),
        source: raw.source.map(|raw| source(&mut e, &raw)),
        service_radius_km: raw.service_radius_km,
        parallel_events: whole(
            &mut e,
            "parallel_events",
            raw.parallel_events,
            1,
            PARALLEL_EVENTS_MAX,
        ),
    };
    e.into_result(vendor)
}

/// A line of text, trimmed.
fn text(e: &mut FieldErrors, field: &str, text: &str, max_chars: usize) -> String {
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
fn description(e: &mut FieldErrors, text: &str) -> String {
    let text = text.trim();
    if text.chars().any(|c| is_unsafe(c) && c != '\n' && c != '\t') {
        e.push("description", "holds a control character", "remove it");
    }
    bounded(e, "description", text, DESCRIPTION_MAX_CHARS);
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
fn number(e: &mut FieldErrors, field: &str, value: f64, min: f64, max: f64) {
    if !(min..=max).contains(&value) {
        e.push(field, format!("is {value}"), format!("write a number from {min} to {max}"));
    }
}

fn whole(e: &mut FieldErrors, field: &str, value: i64, min: i64, max: i64) -> u32 {
    if !(min..=max).contains(&value) {
        e.push(field, format!("is {value}"), format!("write a whole number from {min} to {max}"));
    }
    u32::try_from(value).unwrap_or_default()
}

fn percent(e: &mut FieldErrors, field: &str, value: f64) -> Percent {
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
fn words(e: &mut FieldErrors, field: &str, list: &[String]) -> Vec<String> {
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

fn pricing(e: &mut FieldErrors, raw: Vec<RawPrice>) -> Vec<PriceLine> {
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

fn capacity(e: &mut FieldErrors, raw: &RawCapacity) -> Capacity {
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

fn policies(e: &mut FieldErrors, raw: RawPolicies) -> Policies {
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

fn contact(e: &mut FieldErrors, raw: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    list_bounded(e, "contact", raw.len(), LIST_MAX);
    let mut contact = BTreeMap::new();
    for (key, value) in raw.iter().take(LIST_MAX) {
        let field = format!("contact.{}", shown(key));
        let key = text(e, &field, key, WORD_MAX_CHARS);
        contact.insert(key, text(e, &field, value, NAME_MAX_CHARS));
    }
    contact
}

fn weekdays(e: &mut FieldErrors, raw: &[RawWeekday]) -> Vec<Weekday> {
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

fn dates(e: &mut FieldErrors, raw: &[String]) -> Vec<civil::Date> {
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

fn source(e: &mut FieldErrors, raw: &RawSource) -> Source {
    let name = text(e, "source.name", &raw.name, NAME_MAX_CHARS);
    let as_of = date(e, "source.as_of", &raw.as_of).unwrap_or_default();
    Source { name, as_of }
}

/// A piece of the input that an error message may show.
fn shown(text: &str) -> String {
    text.chars().take(32).flat_map(char::escape_debug).collect()
}
