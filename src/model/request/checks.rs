//! The checks of a request's fields, one by one. Every refused field is named by its path.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, Zoned, civil, tz::TimeZone};

use super::input::{
    AmountDocument, AnchorDocument, BudgetDocument, PreferencesDocument, ServiceDocument,
};
use crate::{
    Amount, Anchor, Budget, Category, Currency, DateSpec, EventTime, EventType, FieldErrors,
    Preferences, Service, VendorId, default_services, parse_local_time,
};

pub(crate) const GUESTS_MAX: i64 = 100_000;
pub(crate) const LIST_MAX: usize = 64;
const NAME_MAX_CHARS: usize = 200;
const HOURS_MAX: f64 = 72.0;
const QUANTITY_MAX: i64 = 10_000;
const WEIGHT_MAX: f64 = 100.0;
const YEARS_AHEAD_MAX: i64 = 10;

pub(crate) fn check_text(errors: &mut FieldErrors, field: &str, text: &str) {
    let chars = text.chars().count();
    if text.trim().is_empty() {
        errors.push(field, "is empty", "write it out");
    } else if chars > NAME_MAX_CHARS {
        let hint = format!("shorten it to {NAME_MAX_CHARS} characters at most");
        errors.push(field, format!("has {chars} characters"), hint);
    } else if text.chars().any(char::is_control) {
        errors.push(field, "holds a control character", "remove it");
    }
}

pub(crate) fn in_range(
    errors: &mut FieldErrors,
    field: &str,
    value: i64,
    min: i64,
    max: i64,
) -> Option<i64> {
    if (min..=max).contains(&value) {
        return Some(value);
    }
    errors.push(field, format!("is {value}"), format!("write a number from {min} to {max}"));
    None
}

/// What to do about a time that a clock change leaves out.
pub(crate) const SKIPPED_HINT: &str = "choose a time before or after the change, or another date";

/// How a date is written.
pub(crate) const DATE_HINT: &str = "write 2027-02-14, or +180d for 180 days from today; the time stands in start, the zone in \
     time_zone";

/// When something takes place, as written.
pub(crate) struct TimeFields<'d> {
    /// In front of the fields' names, e.g. `functions[1].`.
    pub path: &'d str,
    pub date: &'d str,
    pub start: &'d str,
    pub time_zone: &'d str,
    pub hours: f64,
}

pub(crate) fn check_time(
    errors: &mut FieldErrors,
    fields: &TimeFields<'_>,
    now: Timestamp,
) -> Option<EventTime> {
    let field = |name: &str| format!("{}{name}", fields.path);
    let zone = check_zone(errors, &field("time_zone"), fields.time_zone);
    let start = parse_local_time(fields.start).map_err(|message| {
        errors.push(
            field("start"),
            message,
            "write hours and minutes such as 16:30; what zone they are of stands in time_zone",
        );
    });
    let date = fields.date.parse::<DateSpec>().map_err(|message| {
        errors.push(field("date"), message, DATE_HINT);
    });
    let minutes = (fields.hours * 60.0).round();
    if !(30.0..=HOURS_MAX * 60.0).contains(&minutes) {
        let message = format!("is {}", fields.hours);
        errors.push(field("hours"), message, format!("write a number from 0.5 to {HOURS_MAX}"));
        return None;
    }
    let (zone, start, date) = (zone?, start.ok()?, date.ok()?);
    let local_now = now.to_zoned(zone);
    let date = date.resolve(local_now.date());
    check_coming(errors, &field("date"), date, start, &local_now)?;
    let time_zone = fields.time_zone.to_owned();
    Some(EventTime { date, start, time_zone, minutes: minutes as u32 })
}

pub(crate) fn check_zone(errors: &mut FieldErrors, field: &str, name: &str) -> Option<TimeZone> {
    let zone = TimeZone::get(name);
    if zone.is_err() {
        let shown: String = name.chars().take(64).collect();
        let message = format!("`{}` is no IANA time zone", shown.escape_debug());
        errors.push(field, message, "write one such as Asia/Kolkata");
    }
    zone.ok()
}

/// A date and time that are neither past nor too far away.
pub(crate) fn check_coming(
    errors: &mut FieldErrors,
    field: &str,
    date: civil::Date,
    start: civil::Time,
    local_now: &Zoned,
) -> Option<()> {
    if date.to_datetime(start) < local_now.datetime() {
        errors.push(field, format!("{date} {start} has passed"), "choose a coming date");
        return None;
    }
    if date > local_now.date().saturating_add(jiff::Span::new().years(YEARS_AHEAD_MAX)) {
        let message = format!("{date} is over {YEARS_AHEAD_MAX} years away");
        errors.push(field, message, "choose an earlier date");
        return None;
    }
    Some(())
}

/// The start and the anchors lie at times that exist. `path`: in front of the fields' names.
pub(crate) fn check_existing(
    errors: &mut FieldErrors,
    path: &str,
    time: &EventTime,
    anchors: &[Anchor],
) {
    for (field, message) in time.skipped(anchors) {
        errors.push(format!("{path}{field}"), message, SKIPPED_HINT);
    }
}

pub(crate) fn check_budget(errors: &mut FieldErrors, document: &BudgetDocument) -> Option<Budget> {
    let currency: Currency = document
        .currency
        .parse()
        .map_err(|message: String| {
            errors.push("budget.currency", message, "write a code such as INR or EUR");
        })
        .ok()?;
    let amount = match &document.amount {
        AmountDocument::Text(text) => Amount::parse(text, currency),
        AmountDocument::Whole(number) => Amount::parse(&number.to_string(), currency),
        AmountDocument::Fraction(number) => Err(format!("{number} is a floating-point number")),
    };
    check_amount(errors, "budget.amount", amount).map(|amount| Budget { amount, currency })
}

/// An amount above zero.
pub(crate) fn check_amount(
    errors: &mut FieldErrors,
    field: &str,
    amount: Result<Amount, String>,
) -> Option<Amount> {
    match amount {
        Ok(amount) if amount.minor > 0 => Some(amount),
        Ok(amount) => {
            errors.push(field, format!("is {amount}"), "write an amount above zero");
            None
        }
        Err(message) => {
            errors.push(field, message, "write a decimal string such as \"800000.00\"");
            None
        }
    }
}

pub(crate) fn check_services(
    errors: &mut FieldErrors,
    event_type: EventType,
    documents: &BTreeMap<String, ServiceDocument>,
) -> BTreeMap<Category, Service> {
    if documents.is_empty() {
        let service = Service { required: true, weight: 1.0, quantity: 1 };
        let names = default_services(event_type).iter();
        return names.map(|name| (Category::new(name), service)).collect();
    }
    if documents.len() > LIST_MAX {
        errors.push("services", "has too many entries", format!("at most {LIST_MAX}"));
    }
    let mut services = BTreeMap::new();
    for (name, service) in documents {
        let path = format!("services.{name}");
        if !(service.weight > 0.0 && service.weight <= WEIGHT_MAX) {
            let message = format!("is {}", service.weight);
            let hint = format!("write a number above 0, at most {WEIGHT_MAX}");
            errors.push(format!("{path}.weight"), message, hint);
        }
        let field = format!("{path}.quantity");
        let quantity = in_range(errors, &field, service.quantity, 1, QUANTITY_MAX).unwrap_or(1);
        let checked = Service {
            required: service.required,
            weight: service.weight,
            quantity: quantity as u32,
        };
        if services.insert(Category::new(name), checked).is_some() {
            let message = format!("stands twice: as `{}` too", Category::new(name));
            errors.push(path, message, "keep one of the two");
        }
    }
    if services.values().all(|service| !service.required) {
        errors.push("services", "none is required", "set required to true for at least one");
    }
    services
}

pub(crate) fn check_preferences(
    errors: &mut FieldErrors,
    document: PreferencesDocument,
) -> Preferences {
    if let Some(share) = document.veg_share
        && !(0.0..=1.0).contains(&share)
    {
        errors.push("preferences.veg_share", format!("is {share}"), "write a share from 0 to 1");
    }
    let mut words = |field: &str, list: Vec<String>| {
        let path = format!("preferences.{field}");
        if list.len() > LIST_MAX {
            errors.push(&path, "has too many entries", format!("at most {LIST_MAX}"));
        }
        for (i, word) in list.iter().enumerate() {
            check_text(errors, &format!("{path}[{i}]"), word);
        }
        let folded: BTreeSet<String> = list.iter().map(|w| w.trim().to_lowercase()).collect();
        folded.into_iter().collect::<Vec<_>>()
    };
    Preferences {
        styles: words("styles", document.styles),
        cuisines: words("cuisines", document.cuisines),
        dietary: words("dietary", document.dietary),
        amenities: words("amenities", document.amenities),
        venue_types: words("venue_types", document.venue_types),
        video: document.video,
        veg_share: document.veg_share,
    }
}

pub(crate) fn check_ids(errors: &mut FieldErrors, field: &str, ids: &[String]) -> Vec<VendorId> {
    if ids.len() > LIST_MAX {
        errors.push(field, "has too many entries", format!("at most {LIST_MAX}"));
    }
    let ids: Vec<VendorId> = ids.iter().map(VendorId::new).collect();
    for (i, id) in ids.iter().enumerate() {
        check_text(errors, &format!("{field}[{i}]"), id.as_str());
    }
    let distinct: BTreeSet<VendorId> = ids.into_iter().collect();
    distinct.into_iter().collect()
}

/// `path`: of the list, e.g. `functions[1].anchors`.
pub(crate) fn check_anchors(
    errors: &mut FieldErrors,
    path: &str,
    documents: &[AnchorDocument],
) -> Vec<Anchor> {
    if documents.len() > LIST_MAX {
        errors.push(path, "has too many entries", format!("at most {LIST_MAX}"));
    }
    let mut anchors = Vec::new();
    for (i, document) in documents.iter().enumerate() {
        check_text(errors, &format!("{path}[{i}].activity"), &document.activity);
        if let Some(location) = document.location
            && !location.is_valid()
        {
            let hint = "write lat from -90 to 90 and lon from -180 to 180";
            errors.push(format!("{path}[{i}].location"), "is no place on earth", hint);
        }
        match parse_local_time(&document.at) {
            Ok(at) => anchors.push(Anchor {
                activity: document.activity.trim().into(),
                at,
                location: document.location,
            }),
            Err(message) => errors.push(
                format!("{path}[{i}].at"),
                message,
                "write hours and minutes such as 18:00, in the event's own zone",
            ),
        }
    }
    anchors
}
