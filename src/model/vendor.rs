//! Vendors: who offers what, where, at which price and when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::{Amount, Category, Currency, GeoPoint, Percent, VendorId, Weekday, Window};

/// What a price is per.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    Flat,
    PerGuest,
    PerHour,
    /// Per unit of the service's `quantity`.
    PerRoom,
    /// Per unit of the service's `quantity`.
    PerPerson,
}

/// A per-guest line for a part of the guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MealOption {
    Veg,
    NonVeg,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PriceLine {
    pub label: String,
    pub basis: Basis,
    pub amount: Amount,
    pub currency: Currency,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub option: Option<MealOption>,
}

/// How many guests a vendor can serve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ideal: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<u32>,
}

/// Who may cook at a venue. A venue without a policy allows outside caterers only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CateringPolicy {
    /// Only the venue's own kitchen: it fills the caterer's place.
    InHouse,
    Outside,
    Both,
}

/// A house rule that is shown, not reasoned about: `true`, `false`, or a short text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum HouseRule {
    Allowed(bool),
    Text(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub catering: Option<CateringPolicy>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alcohol: Option<HouseRule>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decor: Option<HouseRule>,
    /// Local time of day at which music must end; before noon means the next day's morning.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub music_until: Option<civil::Time>,
    /// Local times between which everything at the venue must lie, setup and teardown too; an
    /// end no later than the beginning is the next day's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub open_from: Option<civil::Time>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub open_until: Option<civil::Time>,
}

/// Where a vendor's record comes from, and of what day it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: String,
    pub as_of: civil::Date,
}

/// A vendor as imported, checked: ids and names not empty, amounts ≥ 0 in one currency,
/// numbers finite and within range, an in-house venue with per-guest lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vendor {
    #[serde(rename = "external_id")]
    pub id: VendorId,
    pub category: Category,
    pub name: String,
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub area: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub location: Option<GeoPoint>,
    /// At least one line, all of one currency.
    pub pricing: Vec<PriceLine>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub capacity: Option<Capacity>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policies: Option<Policies>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub amenities: Vec<String>,
    /// 0–5.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rating: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub contact: BTreeMap<String, String>,
    #[serde(default)]
    pub setup_minutes: u32,
    #[serde(default)]
    pub teardown_minutes: u32,
    /// Ordered; the first is the primary style.
    #[serde(default)]
    pub styles: Vec<String>,
    /// Longest service in hours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_hours: Option<f64>,
    #[serde(default)]
    pub lead_days: u32,
    #[serde(default)]
    pub closed_weekdays: Vec<Weekday>,
    #[serde(default)]
    pub blackout_dates: Vec<civil::Date>,
    #[serde(rename = "tax_percent", default)]
    pub tax: Percent,
    #[serde(rename = "service_charge_percent", default)]
    pub service_charge: Percent,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<Source>,
    /// Km around `location` within which the vendor also serves other cities.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service_radius_km: Option<f64>,
    /// Events that the vendor can serve at the same time: crews, halls. 1 for most.
    #[serde(default = "one")]
    pub parallel_events: u32,
}

fn one() -> u32 {
    1
}

impl Vendor {
    /// A vendor that says no more of itself; its prices are for the caller to add.
    pub fn new(id: VendorId, category: Category, name: String, city: String) -> Self {
        Self {
            id,
            category,
            name,
            city,
            area: None,
            location: None,
            pricing: Vec::new(),
            capacity: None,
            policies: None,
            tags: Vec::new(),
            amenities: Vec::new(),
            rating: None,
            description: None,
            contact: BTreeMap::new(),
            setup_minutes: 0,
            teardown_minutes: 0,
            styles: Vec::new(),
            max_hours: None,
            lead_days: 0,
            closed_weekdays: Vec::new(),
            blackout_dates: Vec::new(),
            tax: Percent::default(),
            service_charge: Percent::default(),
            source: None,
            service_radius_km: None,
            parallel_events: one(),
        }
    }

    /// The one currency of its prices.
    pub fn currency(&self) -> Option<Currency> {
        self.pricing.first().map(|line| line.currency)
    }

    pub fn primary_style(&self) -> Option<&str> {
        self.styles.first().map(String::as_str)
    }

    /// Who may cook there; `Outside` where the vendor says nothing.
    pub fn catering(&self) -> CateringPolicy {
        let stated = self.policies.as_ref().and_then(|policies| policies.catering);
        stated.unwrap_or(CateringPolicy::Outside)
    }
}

/// One of a vendor's parallel events is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookedSlot {
    /// From 1 to the vendor's `parallel_events`.
    pub slot: u32,
    pub window: Window,
}

/// A vendor as the database found it for a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced {
    pub vendor: Vendor,
    /// Its bookings around the wanted date. Empty where the query itself asked for free vendors
    /// only.
    pub busy: Vec<BookedSlot>,
}

impl Sourced {
    /// Whether no slot is free over all of a window: a booking takes one slot from its start to
    /// its end.
    pub fn is_booked(&self, needed: Window) -> bool {
        let in_the_way = self.busy.iter().filter(|booked| booked.window.overlaps(needed));
        let slots: BTreeSet<u32> = in_the_way.map(|booked| booked.slot).collect();
        slots.len() as u64 >= u64::from(self.vendor.parallel_events.max(1))
    }
}
