//! What a blueprint tells, in the form in which it is told. Every field comes from the request,
//! a vendor's record, the search or the scheduler; nothing is made up here.

use std::collections::BTreeMap;

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use model::{
    Amount, Category, Currency, EventType, HouseRule, Percent, Preferences, QuoteLine, Strategy,
    VendorId,
};

/// The event, as the client asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventFacts {
    pub event_type: EventType,
    pub client: String,
    pub city: String,
    pub guests: u32,
    pub start: Zoned,
    pub end: Zoned,
    /// The client's own words, may be empty.
    pub vision: String,
    pub preferences: Preferences,
    /// The event's parts, by start, where it has several.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub functions: Vec<FunctionRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionRow {
    pub name: String,
    pub event_type: EventType,
    pub guests: u32,
    pub start: Zoned,
    pub end: Zoned,
    pub services: Vec<Category>,
}

/// `amount = contingency + spendable`, `unspent = spendable − total`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BudgetFacts {
    pub currency: Currency,
    pub amount: Amount,
    pub contingency_percent: Percent,
    /// Kept back, untouched by the plan.
    pub contingency: Amount,
    pub spendable: Amount,
    /// Of the chosen option: the sum of the vendors' totals.
    pub total: Amount,
    pub(crate) unspent: Amount,
}

/// When a vendor is on the spot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallTimes {
    /// The function that it is for, where the event has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub function: Option<String>,
    /// When to set out, where the way is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub depart: Option<Zoned>,
    pub arrive: Zoned,
    pub service_start: Zoned,
    pub service_end: Zoned,
    pub leave: Zoned,
    /// `(start, end)` of each break.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub breaks: Vec<(Zoned, Zoned)>,
}

/// One place of the chosen option: what it costs, and what its vendor has to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    pub category: Category,
    pub vendor: VendorId,
    pub name: String,
    /// The venue's own kitchen stands in this place.
    pub in_house: bool,
    pub city: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub area: Option<String>,
    pub contact: BTreeMap<String, String>,
    pub lines: Vec<QuoteLine>,
    /// The sum of the lines.
    pub subtotal: Amount,
    pub service_charge: Amount,
    pub tax: Amount,
    /// `subtotal + service_charge + tax`.
    pub total: Amount,
    /// `None` for a kitchen of the house: it comes with its venue.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call: Option<CallTimes>,
    /// Of an event with functions: its calls for the further ones.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) further_calls: Vec<CallTimes>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_hours: Option<f64>,
    /// By name: `alcohol`, `decor`, `music until`.
    pub(crate) house_rules: BTreeMap<String, HouseRule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityRow {
    /// The function that it is part of, where the event has several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub function: Option<String>,
    pub name: String,
    pub start: Zoned,
    pub end: Zoned,
    /// The vendor that carries it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub vendor: Option<String>,
    /// Minutes by which it could start later.
    pub slack_minutes: u32,
}

/// An option of the comparison.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionRow {
    pub number: u32,
    pub selected: bool,
    pub total: Amount,
    pub fitness: f64,
    pub budget_fit: f64,
    pub preference_fit: f64,
    pub compatibility: f64,
    pub strategy: Strategy,
    pub vendors: Vec<OptionVendor>,
    /// Places in which it differs from option 1.
    pub differs_in: u32,
    pub remarks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptionVendor {
    pub category: Category,
    pub name: String,
    pub quote: Amount,
}

/// Where a vendor's record comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRow {
    pub vendor: String,
    /// `None` where the record names no source.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<jiff::civil::Date>,
}
