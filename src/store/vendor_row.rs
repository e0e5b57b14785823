//! A vendor as a row of the table, both ways.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tokio_postgres::{
    Row,
    types::{Json, ToSql, Type},
};

use super::{StoreError, columns::Columns};
use crate::model::{
    Amount, Basis, Capacity, Category, Currency, FieldError, GeoPoint, MealOption, Percent,
    Policies, PriceLine, Source, Vendor, VendorId, Weekday,
};

/// Columns that an import writes, in the order of [`Record::values`].
pub(super) const COLUMNS: [(&str, Type); 32] = [
    ("external_id", Type::TEXT),
    ("category_id", Type::INT2),
    ("city_id", Type::INT4),
    ("area_id", Type::INT4),
    ("lat", Type::FLOAT8),
    ("lon", Type::FLOAT8),
    ("service_radius_km", Type::FLOAT8),
    ("capacity_min", Type::INT4),
    ("capacity_ideal", Type::INT4),
    ("capacity_max", Type::INT4),
    ("rating", Type::FLOAT8),
    ("max_hours", Type::FLOAT8),
    ("setup_minutes", Type::INT4),
    ("teardown_minutes", Type::INT4),
    ("lead_days", Type::INT4),
    ("parallel_events", Type::INT2),
    ("tax", Type::INT4),
    ("service_charge", Type::INT4),
    ("closed_weekdays", Type::INT2_ARRAY),
    ("blackout_dates", Type::DATE_ARRAY),
    ("currency", Type::TEXT),
    ("price_labels", Type::TEXT_ARRAY),
    ("price_bases", Type::CHAR_ARRAY),
    ("price_amounts", Type::INT8_ARRAY),
    ("price_options", Type::CHAR_ARRAY),
    ("name", Type::TEXT),
    ("description", Type::TEXT),
    ("tags", Type::TEXT_ARRAY),
    ("amenities", Type::TEXT_ARRAY),
    ("styles", Type::TEXT_ARRAY),
    ("details", Type::JSONB),
    ("import_number", Type::INT8),
];

/// Columns that stand for something else when read: ids of names, and the import's own.
const NOT_READ: [&str; 4] = ["category_id", "city_id", "area_id", "import_number"];

/// The select list that [`read`] reads, of `vendor v`, `service_category cat`, `city ci` and
/// `area a`.
pub(super) static SELECT_LIST: LazyLock<String> = LazyLock::new(|| {
    let mut list = String::from("v.id, cat.name, ci.name, a.name");
    for (name, _) in COLUMNS.iter().filter(|(name, _)| !NOT_READ.contains(name)) {
        list.push_str(", v.");
        list.push_str(name);
    }
    list
});

/// What is only shown.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Details<P, C, S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    policies: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<S>,
}

type Contact = BTreeMap<String, String>;

/// Ids of the names that a vendor refers to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub category: i16,
    pub city: i32,
    pub area: Option<i32>,
    pub import_number: i64,
}

/// A vendor in the shapes of its columns.
pub(super) struct Record<'v> {
    vendor: &'v Vendor,
    id: &'v str,
    keys: Keys,
    lat: Option<f64>,
    lon: Option<f64>,
    capacity: [Option<i32>; 3],
    minutes: [i32; 2],
    lead_days: i32,
    parallel_events: i16,
    tax: i32,
    service_charge: i32,
    closed_weekdays: Vec<i16>,
    currency: &'static str,
    labels: Vec<&'v str>,
    bases: Vec<i8>,
    amounts: Vec<i64>,
    options: Vec<Option<i8>>,
    details: Option<Json<Details<&'v Policies, &'v Contact, &'v Source>>>,
}

impl<'v> Record<'v> {
    /// The vendor must have passed [`refuse_nul`].
    ///
    /// # Errors
    /// The field that no column can hold.
    pub(super) fn new(vendor: &'v Vendor, keys: Keys) -> Result<Self, FieldError> {
        let currency = vendor
            .currency()
            .ok_or_else(|| FieldError::new("pricing", "has no line", "give at least one price"))?;
        let capacity = vendor.capacity.unwrap_or_default();
        let bound = |field, value: Option<u32>| value.map(|v| int4(field, v)).transpose();
        let details = Details {
            policies: vendor.policies.as_ref(),
            contact: (!vendor.contact.is_empty()).then_some(&vendor.contact),
            source: vendor.source.as_ref(),
        };
        let bare =
            details.policies.is_none() && details.contact.is_none() && details.source.is_none();
        Ok(Self {
            vendor,
            id: vendor.id.as_str(),
            keys,
            lat: vendor.location.map(|at| at.lat),
            lon: vendor.location.map(|at| at.lon),
            capacity: [
                bound("capacity.min", capacity.min)?,
                bound("capacity.ideal", capacity.ideal)?,
                bound("capacity.max", capacity.max)?,
            ],
            minutes: [
                int4("setup_minutes", vendor.setup_minutes)?,
                int4("teardown_minutes", vendor.teardown_minutes)?,
            ],
            lead_days: int4("lead_days", vendor.lead_days)?,
            parallel_events: i16::try_from(vendor.parallel_events)
                .map_err(|_| too_large("parallel_events", vendor.parallel_events, i16::MAX))?,
            tax: int4("tax_percent", vendor.tax.basis_points)?,
            service_charge: int4("service_charge_percent", vendor.service_charge.basis_points)?,
            closed_weekdays: vendor.closed_weekdays.iter().map(|d| i16::from(d.iso())).collect(),
            currency: currency.code(),
            labels: vendor.pricing.iter().map(|line| line.label.as_str()).collect(),
            bases: vendor.pricing.iter().map(|line| basis_code(line.basis)).collect(),
            amounts: vendor.pricing.iter().map(|line| line.amount.minor).collect(),
            options: vendor.pricing.iter().map(|line| line.option.map(option_code)).collect(),
            details: (!bare).then_some(Json(details)),
        })
    }

    pub(super) fn id(&self) -> &'v str {
        self.id
    }

    /// The values of [`COLUMNS`].
    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); COLUMNS.len()] {
        let vendor = self.vendor;
        [
            &self.id,
            &self.keys.category,
            &self.keys.city,
            &self.keys.area,
            &self.lat,
            &self.lon,
            &vendor.service_radius_km,
            &self.capacity[0],
            &self.capacity[1],
            &self.capacity[2],
            &vendor.rating,
            &vendor.max_hours,
            &self.minutes[0],
            &self.minutes[1],
            &self.lead_days,
            &self.parallel_events,
            &self.tax,
            &self.service_charge,
            &self.closed_weekdays,
            &vendor.blackout_dates,
            &self.currency,
            &self.labels,
            &self.bases,
            &self.amounts,
            &self.options,
            &vendor.name,
            &vendor.description,
            &vendor.tags,
            &vendor.amenities,
            &vendor.styles,
            &self.details,
            &self.keys.import_number,
        ]
    }
}

/// A vendor and its row's id.
pub(super) fn read(row: &Row) -> Result<(i64, Vendor), StoreError> {
    let mut c = Columns::of(row, "a vendor");
    let row_id: i64 = c.take()?;
    let category = Category::new(c.take::<&str>()?);
    let city = c.take()?;
    let area = c.take()?;
    let id = VendorId::new(c.take::<&str>()?);
    let location = match (c.take()?, c.take()?) {
        (Some(lat), Some(lon)) => Some(GeoPoint { lat, lon }),
        _ => None,
    };
    let service_radius_km = c.take()?;
    let bounds =
        Capacity { min: unsigned(&mut c)?, ideal: unsigned(&mut c)?, max: unsigned(&mut c)? };
    let capacity = (bounds != Capacity::default()).then_some(bounds);
    let (rating, max_hours) = (c.take()?, c.take()?);
    let setup_minutes = unsigned(&mut c)?.unwrap_or_default();
    let teardown_minutes = unsigned(&mut c)?.unwrap_or_default();
    let lead_days = unsigned(&mut c)?.unwrap_or_default();
    let parallel_events = c.take::<i16>()?.unsigned_abs().into();
    let tax = Percent { basis_points: unsigned(&mut c)?.unwrap_or_default() };
    let service_charge = Percent { basis_points: unsigned(&mut c)?.unwrap_or_default() };
    let weekdays: Vec<i16> = c.take()?;
    let closed_weekdays = weekdays
        .into_iter()
        .map(|day| i8::try_from(day).ok().and_then(Weekday::from_iso))
        .collect::<Option<_>>()
        .ok_or_else(|| c.corrupt("a closed weekday is not 1 to 7"))?;
    let blackout_dates: Vec<Date> = c.take()?;
    let currency: Currency = c.parsed()?;
    let pricing = read_prices(&mut c, currency)?;
    let name = c.take()?;
    let description = c.take()?;
    let (tags, amenities, styles) = (c.take()?, c.take()?, c.take()?);
    let details: Option<Json<Details<Policies, Contact, Source>>> = c.take()?;
    let details = details.map(|json| json.0).unwrap_or(Details {
        policies: None,
        contact: None,
        source: None,
    });
    let vendor = Vendor {
        id,
        category,
        name,
        city,
        area,
        location,
        pricing,
        capacity,
        policies: details.policies,
        tags,
        amenities,
        rating,
        description,
        contact: details.contact.unwrap_or_default(),
        setup_minutes,
        teardown_minutes,
        styles,
        max_hours,
        lead_days,
        closed_weekdays,
        blackout_dates,
        tax,
        service_charge,
        source: details.source,
        service_radius_km,
        parallel_events,
    };
    Ok((row_id, vendor))
}

fn read_prices(c: &mut Columns<'_>, currency: Currency) -> Result<Vec<PriceLine>, StoreError> {
    let labels: Vec<String> = c.take()?;
    let bases: Vec<i8> = c.take()?;
    let amounts: Vec<i64> = c.take()?;
    let options: Vec<Option<i8>> = c.take()?;
    let lines = labels.into_iter().zip(bases).zip(amounts).zip(options);
    lines
        .map(|(((label, basis), minor), option)| {
            let option = match option {
                None => None,
                Some(code) => Some(option_of(code).ok_or_else(|| c.corrupt("unknown option"))?),
            };
            Ok(PriceLine {
                label,
                basis: basis_of(basis).ok_or_else(|| c.corrupt("unknown price basis"))?,
                amount: Amount::new(minor, currency.decimals()),
                currency,
                option,
            })
        })
        .collect()
}

fn unsigned(c: &mut Columns<'_>) -> Result<Option<u32>, StoreError> {
    let value: Option<i32> = c.take()?;
    value.map(u32::try_from).transpose().map_err(|error| c.corrupt(error))
}

const fn basis_code(basis: Basis) -> i8 {
    match basis {
        Basis::Flat => b'f' as i8,
        Basis::PerGuest => b'g' as i8,
        Basis::PerHour => b'h' as i8,
        Basis::PerRoom => b'r' as i8,
        Basis::PerPerson => b'p' as i8,
    }
}

fn basis_of(code: i8) -> Option<Basis> {
    let all = [Basis::Flat, Basis::PerGuest, Basis::PerHour, Basis::PerRoom, Basis::PerPerson];
    all.into_iter().find(|basis| basis_code(*basis) == code)
}

const fn option_code(option: MealOption) -> i8 {
    match option {
        MealOption::Veg => b'v' as i8,
        MealOption::NonVeg => b'n' as i8,
    }
}

fn option_of(code: i8) -> Option<MealOption> {
    [MealOption::Veg, MealOption::NonVeg].into_iter().find(|option| option_code(*option) == code)
}

fn int4(field: &str, value: u32) -> Result<i32, FieldError> {
    i32::try_from(value).map_err(|_| too_large(field, value, i32::MAX))
}

fn too_large(field: &str, value: u32, most: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("{value} is too large"), format!("write at most {most}"))
}

/// PostgreSQL's text holds every character but NUL; one would fail a whole import without a row
/// number.
pub(super) fn refuse_nul(vendor: &Vendor) -> Result<(), FieldError> {
    let one = |field: &'static str, text: &str| (field, text.contains('\0'));
    let many =
        |field: &'static str, list: &[String]| (field, list.iter().any(|t| t.contains('\0')));
    let text = |option: &Option<String>| option.as_deref().unwrap_or_default().contains('\0');
    let details = || {
        let shown = (&vendor.policies, &vendor.contact, &vendor.source);
        serde_json::to_string(&shown).is_ok_and(|json| json.contains("\\u0000"))
    };
    let checks = [
        one("external_id", vendor.id.as_str()),
        one("name", &vendor.name),
        one("city", &vendor.city),
        ("area", text(&vendor.area)),
        ("description", text(&vendor.description)),
        ("pricing", vendor.pricing.iter().any(|line| line.label.contains('\0'))),
        many("tags", &vendor.tags),
        many("amenities", &vendor.amenities),
        many("styles", &vendor.styles),
    ];
    let shown = vendor.policies.is_some() || vendor.source.is_some() || !vendor.contact.is_empty();
    let found = checks.into_iter().find(|check| check.1).map(|check| check.0);
    match found.or_else(|| (shown && details()).then_some("policies, contact or source")) {
        None => Ok(()),
        Some(field) => {
            Err(FieldError::new(field, "holds a NUL character", "remove the character U+0000"))
        }
    }
}
