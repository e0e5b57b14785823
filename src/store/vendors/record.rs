//! A vendor in the shapes of its columns, ready to be written.

use tokio_postgres::types::{Json, ToSql};

use super::{
    pack::pack,
    row::{COLUMNS, Contact, Details, basis_code, option_code},
};
use model::{FieldError, Policies, Source, Vendor};

/// Ids of the names that a vendor refers to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub category: i16,
    pub city: i32,
    pub area: Option<i32>,
    pub(crate) import_number: i64,
}

/// The names of a vendor's city and area, as the database shows them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'n> {
    pub city: &'n str,
    pub area: Option<&'n str>,
}

/// A vendor in the shapes of its columns.
pub(crate) struct Record<'v> {
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
    packed: Vec<u8>,
}

impl<'v> Record<'v> {
    /// The vendor must have passed [`refuse_nul`].
    ///
    /// # Errors
    /// The field that no column can hold.
    pub(crate) fn new(
        vendor: &'v Vendor,
        keys: Keys,
        names: Names<'_>,
    ) -> Result<Self, FieldError> {
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
            packed: pack(vendor, names.city, names.area).map_err(|error| {
                FieldError::new("vendor", format!("can't be stored: {error}"), "report this")
            })?,
        })
    }

    /// The values of [`COLUMNS`].
    pub(crate) fn values(&self) -> [&(dyn ToSql + Sync); COLUMNS.len()] {
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
            &self.packed,
        ]
    }
}

fn int4(field: &str, value: u32) -> Result<i32, FieldError> {
    i32::try_from(value).map_err(|_| too_large(field, value, i32::MAX))
}

fn too_large(field: &str, value: u32, most: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("{value} is too large"), format!("write at most {most}"))
}

/// PostgreSQL's text holds every character but NUL; one would fail a whole import without a row
/// number.
pub(crate) fn refuse_nul(vendor: &Vendor) -> Result<(), FieldError> {
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
