//! Vendors on the wire: searching, importing, generating, counting.

use std::{fmt, str::FromStr};

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::Refusal;
use model::{Category, CateringPolicy, Currency, Vendor};

/// Query of `GET /v1/vendors/search`. Everything is optional and all of it must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorQuery {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<Category>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub city: Option<String>,
    /// A part of the name, in any case.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Words of the name or description, as a web search takes them: `"sea view" -hotel`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub words: Option<String>,
    /// Serves that many.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub guests: Option<u32>,
    /// Not blacked out and not closed that day.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub date: Option<civil::Date>,
    /// Carries it as a tag, amenity or style.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub style: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amenity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cuisine: Option<String>,
    /// Has a price of at most this in `currency`, e.g. `1500.00`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_price: Option<String>,
    /// The same for a price per guest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_guest_price: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// `LAT,LON` in degrees.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub near: Option<String>,
    /// Km around `near`; 10 where absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub within_km: Option<f64>,
    /// Name of the source of its record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub catering: Option<CateringPolicy>,
    /// 0–5.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min_rating: Option<f64>,
    /// 1–1,000; 50 where absent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u32>,
    /// Leaves out so many: the next page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<u32>,
}

/// Reply of `GET /v1/vendors/search`: best rating first, then by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VendorList {
    pub vendors: Vec<Vendor>,
}

/// How a vendor file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportFormat {
    /// One array.
    Json,
    /// One object per line.
    Ndjson,
    /// A header line, then one vendor per record.
    Csv,
}

impl ImportFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// By a file's ending; JSON where it says nothing.
    pub fn of_file_name(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("ndjson" | "jsonl") => Self::Ndjson,
            Some("csv") => Self::Csv,
            _ => Self::Json,
        }
    }
}

impl fmt::Display for ImportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ImportFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Json, Self::Ndjson, Self::Csv];
        let found = all.into_iter().find(|format| format.as_str() == text);
        found.ok_or_else(|| format!("`{}` is not json, ndjson or csv", text.escape_debug()))
    }
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    pub inserted: u64,
    pub updated: u64,
    /// Invalid rows, left out.
    pub skipped: u64,
    /// Why, for the first of them; `skipped` counts all.
    pub errors: Vec<Refusal>,
}

/// Body of `POST /v1/vendors/generate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerateVendors {
    /// Over all categories and cities.
    pub count: u32,
    #[serde(default)]
    pub seed: u64,
    /// Empty: the generator's own cities, or as many invented ones as `city_count` says.
    #[serde(default)]
    pub cities: Vec<String>,
    /// Invented cities, 0–10,000.
    #[serde(default)]
    pub city_count: u32,
    /// Of all prices; where absent, what is paid with in a real city, else INR.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub currency: Option<Currency>,
    /// `LAT,LON` in degrees: where the one city of `cities` lies, which must be said of a city
    /// that is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub near: Option<String>,
}

/// Reply of `GET /v1/vendors/stats`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VendorStats {
    pub total: u64,
    /// By category order, then city.
    pub counts: Vec<VendorCount>,
    /// How the daemon's database does since the daemon's start.
    #[serde(default)]
    pub database: DatabaseUse,
}

/// Figures without a measurement yet are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatabaseUse {
    pub query_cache_hit_percent: Option<f64>,
    pub query_cache_entries: u64,
    pub queries: u64,
    pub query_mean_ms: Option<f64>,
    pub query_p99_ms: Option<f64>,
    pub connections_in_use: u32,
    pub connections_open: u32,
    pub connections_limit: u32,
    pub callers_waiting: u64,
    pub connection_errors: u64,
    /// Indexes that no query has used, the largest first.
    pub unused_indexes: Vec<String>,
    /// Statement, and its mean time in ms, the slowest first; absent without
    /// `pg_stat_statements`.
    pub slow_statements: Option<Vec<(String, f64)>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorCount {
    pub category: Category,
    pub city: String,
    pub vendors: u64,
}
