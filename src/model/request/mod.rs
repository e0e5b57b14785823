//! A client's request, checked.

pub(crate) mod change;
pub(crate) mod checks;
pub(crate) mod function;
pub(crate) mod input;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Amount, Anchor, Category, Currency, EventTime, Function, Percent, VendorId};

/// Longest vision in bytes: some 3,000 words, and well inside an LLM's context.
pub(crate) const VISION_MAX_BYTES: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    Wedding,
    Birthday,
    Corporate,
    Gala,
    Other,
}

impl EventType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wedding => "wedding",
            Self::Birthday => "birthday",
            Self::Corporate => "corporate",
            Self::Gala => "gala",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The services of an event whose request names none: all required, weight 1.
pub(crate) const fn default_services(event_type: EventType) -> &'static [&'static str] {
    match event_type {
        EventType::Wedding => &["venue", "caterer", "photographer", "makeup_artist"],
        EventType::Birthday => &["venue", "caterer", "music", "decorator"],
        EventType::Corporate => &["venue", "caterer", "photographer"],
        EventType::Gala => &["venue", "caterer", "music", "decorator"],
        EventType::Other => &["venue", "caterer"],
    }
}

/// Personal data: kept in the database, never logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phone: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// More than 0.
    pub amount: Amount,
    pub currency: Currency,
}

/// One wanted service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub required: bool,
    /// Weight of its preference fit: finite, 0 < weight ≤ 100.
    pub weight: f64,
    /// Rooms or persons, for prices per room or per person.
    pub quantity: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preferences {
    pub styles: Vec<String>,
    pub cuisines: Vec<String>,
    pub dietary: Vec<String>,
    pub amenities: Vec<String>,
    pub venue_types: Vec<String>,
    pub video: Option<bool>,
    /// 0–1; `None` stands for the default, see [`Request::veg_share`].
    pub veg_share: Option<f64>,
}

/// A request with every field in range and every default filled in. Serialises as it is stored;
/// built from a client's document by [`Request::parse`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub client: Client,
    pub event_type: EventType,
    #[serde(flatten)]
    pub time: EventTime,
    pub city: String,
    /// 1–100,000.
    pub guests: u32,
    pub budget: Budget,
    #[serde(rename = "contingency_percent")]
    pub contingency: Percent,
    /// By name; category order is the category table's.
    pub services: BTreeMap<Category, Service>,
    pub preferences: Preferences,
    pub vision: String,
    pub must_include: Vec<VendorId>,
    pub exclude: Vec<VendorId>,
    pub anchors: Vec<Anchor>,
    /// The event's parts, by start, where it has several; `time` then spans them all, and
    /// `guests` is the largest number.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub functions: Vec<Function>,
    pub seed: u64,
}

/// Diets that no dish with meat or fish serves.
const MEATLESS: [&str; 3] = ["vegetarian", "vegan", "jain"];

/// Whether a dietary need, as a request names it, rules out meat and fish.
pub fn is_meatless_diet(need: &str) -> bool {
    MEATLESS.contains(&need)
}

impl Request {
    /// What the vendors may cost together, in minor units: budget × (1 − contingency), rounded
    /// down, so that the contingency is never touched.
    pub fn spendable_minor(&self) -> i64 {
        let keep = i128::from(10_000 - self.contingency.basis_points.min(10_000));
        (i128::from(self.budget.amount.minor) * keep / 10_000) as i64
    }

    /// Whether the dietary needs rule out meat for everybody.
    pub(crate) fn is_meatless(&self) -> bool {
        self.preferences.dietary.iter().any(|need| is_meatless_diet(need))
    }

    /// The share of guests who eat vegetarian: as asked, else 1 where the diet is meatless,
    /// else one half.
    pub fn veg_share(&self) -> f64 {
        let default = if self.is_meatless() { 1.0 } else { 0.5 };
        self.preferences.veg_share.unwrap_or(default)
    }
}
