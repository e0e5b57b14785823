//! A vendor's columns: how each is written, how each is read, and how a vendor lies in `packed`,
//! the column that holds all of it. A new field stands in all three lists.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use tokio_postgres::{
    Row,
    types::{Json, ToSql, Type},
};

use super::pack::{self as form, basis_code, basis_of, option_code, option_of};
use crate::{StoreError, connection::row_reader::RowReader};
use model::{
    Amount, Capacity, Category, Currency, FieldError, GeoPoint, Percent, Policies, PriceLine,
    Source, Vendor, VendorId, Weekday,
};

/// Ids of the names that a vendor refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub category: i16,
    pub city: i32,
    pub area: Option<i32>,
    pub import_number: i64,
}

/// The names of a vendor's city and area, as the database shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    pub city: &'n str,
    pub area: Option<&'n str>,
}

/// Makes of one table the list of columns and what writes them.
macro_rules! columns {
    (|$vendor:ident, $keys:ident, $names:ident| $($name:literal $of:ident $value:expr;)*) => {
        /// Columns that an import writes, in the order of [`with_values`].
        pub(crate) static COLUMNS: &[(&str, Type)] = &[$(($name, Type::$of)),*];

        /// Lends the values of [`COLUMNS`] to `take`. The vendor must have passed [`refuse_nul`].
        ///
        /// # Errors
        /// The field that no column can hold; those of `take`.
        pub(crate) fn with_values<T>(
            $vendor: &Vendor,
            $keys: Keys,
            $names: Names<'_>,
            take: impl FnOnce(&[&(dyn ToSql + Sync)]) -> Result<T, FieldError>,
        ) -> Result<T, FieldError> {
            take(&[$(&$value),*])
        }
    };
}

columns! { |vendor, keys, names|
    "external_id" TEXT vendor.id.as_str();
    "category_id" INT2 keys.category;
    "city_id" INT4 keys.city;
    "area_id" INT4 keys.area;
    "lat" FLOAT8 vendor.location.map(|at| at.lat);
    "lon" FLOAT8 vendor.location.map(|at| at.lon);
    "service_radius_km" FLOAT8 vendor.service_radius_km;
    "capacity_min" INT4 guests("capacity.min", vendor.capacity.and_then(|c| c.min))?;
    "capacity_ideal" INT4 guests("capacity.ideal", vendor.capacity.and_then(|c| c.ideal))?;
    "capacity_max" INT4 guests("capacity.max", vendor.capacity.and_then(|c| c.max))?;
    "rating" FLOAT8 vendor.rating;
    "max_hours" FLOAT8 vendor.max_hours;
    "setup_minutes" INT4 int4("setup_minutes", vendor.setup_minutes)?;
    "teardown_minutes" INT4 int4("teardown_minutes", vendor.teardown_minutes)?;
    "lead_days" INT4 int4("lead_days", vendor.lead_days)?;
    "parallel_events" INT2 i16::try_from(vendor.parallel_events)
        .map_err(|_| too_large("parallel_events", vendor.parallel_events, i16::MAX))?;
    "tax" INT4 int4("tax_percent", vendor.tax.basis_points)?;
    "service_charge" INT4 int4("service_charge_percent", vendor.service_charge.basis_points)?;
    "closed_weekdays" INT2_ARRAY
        vendor.closed_weekdays.iter().map(|day| i16::from(day.iso())).collect::<Vec<_>>();
    "blackout_dates" DATE_ARRAY vendor.blackout_dates;
    "currency" TEXT currency(vendor)?;
    "price_labels" TEXT_ARRAY each(&vendor.pricing, |line| line.label.as_str());
    "price_bases" CHAR_ARRAY each(&vendor.pricing, |line| basis_code(line.basis));
    "price_amounts" INT8_ARRAY each(&vendor.pricing, |line| line.amount.minor);
    "price_options" CHAR_ARRAY each(&vendor.pricing, |line| line.option.map(option_code));
    "name" TEXT vendor.name;
    "description" TEXT vendor.description;
    "tags" TEXT_ARRAY vendor.tags;
    "amenities" TEXT_ARRAY vendor.amenities;
    "styles" TEXT_ARRAY vendor.styles;
    "details" JSONB details(vendor);
    "import_number" INT8 keys.import_number;
    "packed" BYTEA pack(vendor, names.city, names.area).map_err(|error| {
        FieldError::new("vendor", format!("can't be stored: {error}"), "report this")
    })?;
}

/// Columns that stand for something else when read: ids of names, the import's own, the whole.
const NOT_READ: [&str; 5] = ["category_id", "city_id", "area_id", "import_number", "packed"];

/// The select list that [`read`] reads, of `vendor v`, `service_category cat`, `city ci` and
/// `area a`.
pub(crate) static SELECT_LIST: LazyLock<String> = LazyLock::new(|| {
    let mut list = String::from("v.id, cat.name, ci.name, a.name");
    for (name, _) in COLUMNS.iter().filter(|(name, _)| !NOT_READ.contains(name)) {
        list.push_str(", v.");
        list.push_str(name);
    }
    list
});

/// A vendor and its row's id.
pub(crate) fn read(row: &Row) -> Result<(i64, Vendor), StoreError> {
    let mut c = RowReader::of(row, "a vendor");
    let row_id: i64 = c.take()?;
    // A literal is evaluated from top to bottom, and so are the columns read.
    let mut vendor = Vendor {
        category: Category::new(c.take::<&str>()?),
        city: c.take()?,
        area: c.take()?,
        id: VendorId::new(c.take::<&str>()?),
        location: match (c.take()?, c.take()?) {
            (Some(lat), Some(lon)) => Some(GeoPoint { lat, lon }),
            _ => None,
        },
        service_radius_km: c.take()?,
        capacity: read_capacity(&mut c)?,
        rating: c.take()?,
        max_hours: c.take()?,
        setup_minutes: unsigned(&mut c)?.unwrap_or_default(),
        teardown_minutes: unsigned(&mut c)?.unwrap_or_default(),
        lead_days: unsigned(&mut c)?.unwrap_or_default(),
        parallel_events: c.take::<i16>()?.unsigned_abs().into(),
        tax: Percent { basis_points: unsigned(&mut c)?.unwrap_or_default() },
        service_charge: Percent { basis_points: unsigned(&mut c)?.unwrap_or_default() },
        closed_weekdays: read_weekdays(&mut c)?,
        blackout_dates: c.take()?,
        pricing: read_prices(&mut c)?,
        name: c.take()?,
        description: c.take()?,
        tags: c.take()?,
        amenities: c.take()?,
        styles: c.take()?,
        policies: None,
        contact: BTreeMap::new(),
        source: None,
    };
    if let Some(Json(details)) = c.take::<Option<Json<Details<_, BTreeMap<_, _>, _>>>>()? {
        vendor.policies = details.policies;
        vendor.contact = details.contact.unwrap_or_default();
        vendor.source = details.source;
    }
    Ok((row_id, vendor))
}

/// Of [`Packed`]: to be raised with every change of it.
const VERSION: u8 = 1;

/// What `packed` holds, in its order. The first five fields are written apart: the city and the
/// area under the names that the database shows.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Vendor")]
struct Packed {
    #[serde(skip_serializing, deserialize_with = "form::deserialize")]
    id: VendorId,
    #[serde(skip_serializing, deserialize_with = "form::deserialize")]
    category: Category,
    #[serde(skip_serializing)]
    name: String,
    #[serde(skip_serializing)]
    city: String,
    #[serde(skip_serializing)]
    area: Option<String>,
    location: Option<GeoPoint>,
    #[serde(with = "form")]
    pricing: Vec<PriceLine>,
    #[serde(with = "form")]
    capacity: Option<Capacity>,
    #[serde(with = "form")]
    policies: Option<Policies>,
    tags: Vec<String>,
    amenities: Vec<String>,
    styles: Vec<String>,
    rating: Option<f64>,
    description: Option<String>,
    contact: BTreeMap<String, String>,
    setup_minutes: u32,
    teardown_minutes: u32,
    lead_days: u32,
    #[serde(with = "form")]
    tax: Percent,
    #[serde(with = "form")]
    service_charge: Percent,
    parallel_events: u32,
    max_hours: Option<f64>,
    #[serde(with = "form")]
    closed_weekdays: Vec<Weekday>,
    #[serde(with = "form")]
    blackout_dates: Vec<jiff::civil::Date>,
    #[serde(with = "form")]
    source: Option<Source>,
    service_radius_km: Option<f64>,
}

/// `city` and `area`: their names as the database shows them. The first byte is the version.
///
/// # Errors
/// None for any vendor; the encoder's type says otherwise.
pub(crate) fn pack(
    vendor: &Vendor,
    city: &str,
    area: Option<&str>,
) -> Result<Vec<u8>, postcard::Error> {
    #[derive(Serialize)]
    struct Others<'v>(#[serde(with = "Packed")] &'v Vendor);
    let apart = (&vendor.id, &vendor.category, &vendor.name, city, area);
    postcard::to_extend(&(apart, Others(vendor)), vec![VERSION])
}

/// `None` for bytes of another version, or broken ones: the caller reads the columns instead,
/// and the next import packs the row again.
pub(crate) fn unpack(bytes: &[u8]) -> Option<Vendor> {
    let (&VERSION, body) = bytes.split_first()? else { return None };
    Packed::deserialize(&mut postcard::Deserializer::from_bytes(body)).ok()
}

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

type Shown<'v> = Details<&'v Policies, &'v BTreeMap<String, String>, &'v Source>;

fn details(vendor: &Vendor) -> Option<Json<Shown<'_>>> {
    let (policies, source) = (vendor.policies.as_ref(), vendor.source.as_ref());
    let contact = (!vendor.contact.is_empty()).then_some(&vendor.contact);
    let is_bare = policies.is_none() && contact.is_none() && source.is_none();
    (!is_bare).then_some(Json(Details { policies, contact, source }))
}

fn each<'v, T>(lines: &'v [PriceLine], part: impl Fn(&'v PriceLine) -> T) -> Vec<T> {
    lines.iter().map(part).collect()
}

fn currency(vendor: &Vendor) -> Result<&'static str, FieldError> {
    let currency = vendor.currency().map(Currency::code);
    currency.ok_or_else(|| FieldError::new("pricing", "has no line", "give at least one price"))
}

fn guests(field: &str, bound: Option<u32>) -> Result<Option<i32>, FieldError> {
    bound.map(|guests| int4(field, guests)).transpose()
}

fn int4(field: &str, value: u32) -> Result<i32, FieldError> {
    i32::try_from(value).map_err(|_| too_large(field, value, i32::MAX))
}

fn too_large(field: &str, value: u32, most: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("{value} is too large"), format!("write at most {most}"))
}

fn read_capacity(c: &mut RowReader<'_>) -> Result<Option<Capacity>, StoreError> {
    let bounds = Capacity { min: unsigned(c)?, ideal: unsigned(c)?, max: unsigned(c)? };
    Ok((bounds != Capacity::default()).then_some(bounds))
}

fn read_weekdays(c: &mut RowReader<'_>) -> Result<Vec<Weekday>, StoreError> {
    let numbers: Vec<i16> = c.take()?;
    let days = numbers.into_iter().map(|day| i8::try_from(day).ok().and_then(Weekday::from_iso));
    days.collect::<Option<_>>().ok_or_else(|| c.corrupt("a closed weekday is not 1 to 7"))
}

fn read_prices(c: &mut RowReader<'_>) -> Result<Vec<PriceLine>, StoreError> {
    let currency: Currency = c.parsed()?;
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

fn unsigned(c: &mut RowReader<'_>) -> Result<Option<u32>, StoreError> {
    let value: Option<i32> = c.take()?;
    value.map(u32::try_from).transpose().map_err(|error| c.corrupt(error))
}

/// PostgreSQL's text holds every character but NUL; one would fail a whole import without a row
/// number.
///
/// # Errors
/// The field that holds one.
pub(crate) fn refuse_nul(vendor: &Vendor) -> Result<(), FieldError> {
    let texts = [
        ("external_id", Some(vendor.id.as_str())),
        ("name", Some(&vendor.name)),
        ("city", Some(&vendor.city)),
        ("area", vendor.area.as_deref()),
        ("description", vendor.description.as_deref()),
    ];
    let lists =
        [("tags", &vendor.tags), ("amenities", &vendor.amenities), ("styles", &vendor.styles)];
    let texts = texts.into_iter().filter_map(|(field, text)| Some((field, text?)));
    let labels = vendor.pricing.iter().map(|line| ("pricing", line.label.as_str()));
    let words = lists.into_iter().flat_map(|(field, list)| list.iter().map(move |w| (field, &**w)));
    let found = texts.chain(labels).chain(words).find(|(_, text)| text.contains('\0'));
    let in_details = || {
        let json = serde_json::to_string(&details(vendor)?.0).ok()?;
        json.contains("\\u0000").then_some("policies, contact or source")
    };
    match found.map(|(field, _)| field).or_else(in_details) {
        None => Ok(()),
        Some(field) => {
            Err(FieldError::new(field, "holds a NUL character", "remove the character U+0000"))
        }
    }
}
