//! A vendor as a row of the table: its columns, and how they are read.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tokio_postgres::{
    Row,
    types::{Json, Type},
};

use crate::{StoreError, connection::row_reader::RowReader};
use model::{
    Amount, Basis, Capacity, Category, Currency, GeoPoint, MealOption, Percent, Policies,
    PriceLine, Source, Vendor, VendorId, Weekday,
};

/// Columns that an import writes, in the order of `Record::values`.
pub(crate) const COLUMNS: [(&str, Type); 33] = [
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
    ("packed", Type::BYTEA),
];

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

/// What is only shown.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Details<P, C, S> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policies: Option<P>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<C>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<S>,
}

pub(crate) type Contact = BTreeMap<String, String>;

/// A vendor and its row's id.
pub(crate) fn read(row: &Row) -> Result<(i64, Vendor), StoreError> {
    let mut c = RowReader::of(row, "a vendor");
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

fn read_prices(c: &mut RowReader<'_>, currency: Currency) -> Result<Vec<PriceLine>, StoreError> {
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

pub(crate) const fn basis_code(basis: Basis) -> i8 {
    match basis {
        Basis::Flat => b'f' as i8,
        Basis::PerGuest => b'g' as i8,
        Basis::PerHour => b'h' as i8,
        Basis::PerRoom => b'r' as i8,
        Basis::PerPerson => b'p' as i8,
    }
}

pub(crate) fn basis_of(code: i8) -> Option<Basis> {
    let all = [Basis::Flat, Basis::PerGuest, Basis::PerHour, Basis::PerRoom, Basis::PerPerson];
    all.into_iter().find(|basis| basis_code(*basis) == code)
}

pub(crate) const fn option_code(option: MealOption) -> i8 {
    match option {
        MealOption::Veg => b'v' as i8,
        MealOption::NonVeg => b'n' as i8,
    }
}

pub(crate) fn option_of(code: i8) -> Option<MealOption> {
    [MealOption::Veg, MealOption::NonVeg].into_iter().find(|option| option_code(*option) == code)
}
