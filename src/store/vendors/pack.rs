//! A vendor in one piece of bytes, beside its columns: what sourcing reads by the thousand.
//!
//! The first byte is the shape's version. Bytes of another version are no error: the caller
//! reads the columns instead, and the next import packs the row anew.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Serialize};

use super::row::{basis_code, basis_of, option_code, option_of};
use model::{
    Amount, Capacity, Category, CateringPolicy, Currency, GeoPoint, HouseRule, Percent, Policies,
    PriceLine, Source, Vendor, VendorId, Weekday,
};

/// Of [`Packed`]: to be raised with every change of it.
const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    id: &'a str,
    category: &'a str,
    name: &'a str,
    city: &'a str,
    area: Option<&'a str>,
    location: Option<(f64, f64)>,
    currency: &'a str,
    /// Label, basis, minor units, meal option.
    #[serde(borrow)]
    pricing: Vec<(&'a str, i8, i64, Option<i8>)>,
    /// Min, ideal, max.
    capacity: [Option<u32>; 3],
    has_capacity: bool,
    #[serde(borrow)]
    policies: Option<PackedPolicies<'a>>,
    #[serde(borrow)]
    /// Tags, amenities, styles.
    words: [Vec<&'a str>; 3],
    rating: Option<f64>,
    description: Option<&'a str>,
    #[serde(borrow)]
    contact: Vec<(&'a str, &'a str)>,
    /// Setup, teardown, lead days, tax and service charge in basis points, parallel events.
    numbers: [u32; 6],
    max_hours: Option<f64>,
    closed_weekdays: Vec<i8>,
    blackout_dates: Vec<PackedDate>,
    #[serde(borrow)]
    source: Option<(&'a str, PackedDate)>,
    service_radius_km: Option<f64>,
}

/// Hour, minute, second, nanosecond.
type PackedTime = (i8, i8, i8, i32);

/// Year, month, day.
type PackedDate = (i16, i8, i8);

#[derive(Serialize, Deserialize)]
struct PackedPolicies<'a> {
    catering: Option<u8>,
    #[serde(borrow)]
    alcohol: Option<Rule<'a>>,
    #[serde(borrow)]
    decor: Option<Rule<'a>>,
    /// Music until, open from, open until.
    times: [Option<PackedTime>; 3],
}

#[derive(Serialize, Deserialize)]
enum Rule<'a> {
    Allowed(bool),
    Text(&'a str),
}

const CATERING: [CateringPolicy; 3] =
    [CateringPolicy::InHouse, CateringPolicy::Outside, CateringPolicy::Both];

/// `city` and `area`: their names as the database shows them.
///
/// # Errors
/// None for any vendor; the encoder's type says otherwise.
pub(crate) fn pack(
    vendor: &Vendor,
    city: &str,
    area: Option<&str>,
) -> Result<Vec<u8>, postcard::Error> {
    let capacity = vendor.capacity.unwrap_or_default();
    let packed = Packed {
        id: vendor.id.as_str(),
        category: vendor.category.as_str(),
        name: &vendor.name,
        city,
        area,
        location: vendor.location.map(|at| (at.lat, at.lon)),
        currency: vendor.currency().map_or("", Currency::code),
        pricing: vendor.pricing.iter().map(pack_line).collect(),
        capacity: [capacity.min, capacity.ideal, capacity.max],
        has_capacity: vendor.capacity.is_some(),
        policies: vendor.policies.as_ref().map(pack_policies),
        words: [words(&vendor.tags), words(&vendor.amenities), words(&vendor.styles)],
        rating: vendor.rating,
        description: vendor.description.as_deref(),
        contact: vendor.contact.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect(),
        numbers: [
            vendor.setup_minutes,
            vendor.teardown_minutes,
            vendor.lead_days,
            vendor.tax.basis_points,
            vendor.service_charge.basis_points,
            vendor.parallel_events,
        ],
        max_hours: vendor.max_hours,
        closed_weekdays: vendor.closed_weekdays.iter().map(|day| day.iso()).collect(),
        blackout_dates: vendor.blackout_dates.iter().copied().map(pack_date).collect(),
        source: vendor.source.as_ref().map(|s| (s.name.as_str(), pack_date(s.as_of))),
        service_radius_km: vendor.service_radius_km,
    };
    postcard::to_extend(&packed, vec![VERSION])
}

fn words(list: &[String]) -> Vec<&str> {
    list.iter().map(String::as_str).collect()
}

fn pack_line(line: &PriceLine) -> (&str, i8, i64, Option<i8>) {
    let option = line.option.map(option_code);
    (line.label.as_str(), basis_code(line.basis), line.amount.minor, option)
}

/// `None` for bytes of another version, or broken ones.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vendor> {
    let (&VERSION, body) = bytes.split_first()? else { return None };
    let packed: Packed<'_> = postcard::from_bytes(body).ok()?;
    let currency: Currency = packed.currency.parse().ok()?;
    let decimals = currency.decimals();
    let line = |(label, basis, minor, option): (&str, i8, i64, Option<i8>)| {
        Some(PriceLine {
            label: label.to_owned(),
            basis: basis_of(basis)?,
            amount: Amount::new(minor, decimals),
            currency,
            option: match option {
                Some(code) => Some(option_of(code)?),
                None => None,
            },
        })
    };
    let [min, ideal, max] = packed.capacity;
    let [setup_minutes, teardown_minutes, lead_days, tax, service_charge, parallel_events] =
        packed.numbers;
    let [tags, amenities, styles] =
        packed.words.map(|list| list.into_iter().map(str::to_owned).collect());
    let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    Some(Vendor {
        id: VendorId::new(packed.id),
        category: Category::new(packed.category),
        name: packed.name.to_owned(),
        city: packed.city.to_owned(),
        area: packed.area.map(str::to_owned),
        location: packed.location.map(|(lat, lon)| GeoPoint { lat, lon }),
        pricing: packed.pricing.into_iter().map(line).collect::<Option<_>>()?,
        capacity: packed.has_capacity.then_some(Capacity { min, ideal, max }),
        policies: match packed.policies {
            Some(policies) => Some(unpack_policies(policies)?),
            None => None,
        },
        tags,
        amenities,
        rating: packed.rating,
        description: packed.description.map(str::to_owned),
        contact: packed.contact.into_iter().map(owned).collect(),
        setup_minutes,
        teardown_minutes,
        styles,
        max_hours: packed.max_hours,
        lead_days,
        closed_weekdays: packed
            .closed_weekdays
            .into_iter()
            .map(Weekday::from_iso)
            .collect::<Option<_>>()?,
        blackout_dates: packed
            .blackout_dates
            .into_iter()
            .map(unpack_date)
            .collect::<Option<_>>()?,
        tax: Percent { basis_points: tax },
        service_charge: Percent { basis_points: service_charge },
        source: match packed.source {
            Some((name, as_of)) => {
                Some(Source { name: name.to_owned(), as_of: unpack_date(as_of)? })
            }
            None => None,
        },
        service_radius_km: packed.service_radius_km,
        parallel_events,
    })
}

fn pack_policies(policies: &Policies) -> PackedPolicies<'_> {
    let Policies { catering, alcohol, decor, music_until, open_from, open_until } = policies;
    let position = |policy| CATERING.iter().position(|known| *known == policy);
    let time = |t: Time| (t.hour(), t.minute(), t.second(), t.subsec_nanosecond());
    PackedPolicies {
        catering: catering.and_then(position).map(|index| index as u8),
        alcohol: alcohol.as_ref().map(pack_rule),
        decor: decor.as_ref().map(pack_rule),
        times: [*music_until, *open_from, *open_until].map(|at| at.map(time)),
    }
}

fn unpack_policies(packed: PackedPolicies<'_>) -> Option<Policies> {
    let time = |at: Option<PackedTime>| match at {
        Some((hour, minute, second, nano)) => Time::new(hour, minute, second, nano).ok().map(Some),
        None => Some(None),
    };
    let [music_until, open_from, open_until] = packed.times;
    Some(Policies {
        catering: match packed.catering {
            Some(index) => Some(*CATERING.get(usize::from(index))?),
            None => None,
        },
        alcohol: packed.alcohol.map(unpack_rule),
        decor: packed.decor.map(unpack_rule),
        music_until: time(music_until)?,
        open_from: time(open_from)?,
        open_until: time(open_until)?,
    })
}

fn pack_rule(rule: &HouseRule) -> Rule<'_> {
    match rule {
        HouseRule::Allowed(allowed) => Rule::Allowed(*allowed),
        HouseRule::Text(text) => Rule::Text(text),
    }
}

fn unpack_rule(rule: Rule<'_>) -> HouseRule {
    match rule {
        Rule::Allowed(allowed) => HouseRule::Allowed(allowed),
        Rule::Text(text) => HouseRule::Text(text.to_owned()),
    }
}

fn pack_date(date: Date) -> PackedDate {
    (date.year(), date.month(), date.day())
}

fn unpack_date((year, month, day): PackedDate) -> Option<Date> {
    Date::new(year, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vendor(document: serde_json::Value) -> Vendor {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn what_was_packed_comes_back_and_other_versions_are_left_to_the_columns() {
        let full = vendor(serde_json::json!({
            "external_id": "v", "category": "venue", "name": "The V", "city": "Kochi",
            "area": "Fort", "location": {"lat": 9.9, "lon": 76.2},
            "pricing": [{"label": "plate", "basis": "per_guest", "amount": "650.50",
                         "currency": "INR", "option": "veg"},
                        {"label": "hall", "basis": "flat", "amount": "0.00", "currency": "INR"}],
            "capacity": {"min": 1, "max": 400}, "tags": ["ü"], "amenities": ["a", "b"],
            "policies": {"catering": "both", "alcohol": false, "decor": "no fire",
                         "music_until": "22:30:00", "open_from": "08:00:00"},
            "rating": 4.5, "description": "x", "contact": {"phone": "1"}, "setup_minutes": 90,
            "styles": ["rustic"], "max_hours": 7.5, "lead_days": 14,
            "closed_weekdays": ["monday"], "blackout_dates": ["2027-02-03"],
            "tax_percent": 18, "service_charge_percent": 7.25,
            "source": {"name": "fair", "as_of": "2026-10-01"}, "service_radius_km": 42.5,
            "parallel_events": 3
        }));
        let bare = vendor(serde_json::json!({
            "external_id": "w", "category": "music", "name": "W", "city": "Kochi", "pricing": [
                {"label": "set", "basis": "per_hour", "amount": "1", "currency": "JPY"}]
        }));
        for vendor in [full, bare] {
            let mut bytes = pack(&vendor, &vendor.city, vendor.area.as_deref()).unwrap();
            assert_eq!(unpack(&bytes), Some(vendor));
            bytes[0] += 1;
            assert_eq!(unpack(&bytes), None);
            assert_eq!(unpack(&bytes[..0]), None);
            bytes[0] -= 1;
            assert_eq!(unpack(&bytes[..bytes.len() / 2]), None);
        }
    }
}
