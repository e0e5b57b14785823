//! Names of things: vendors, plans, service categories.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::names::{name_key, tidy_id};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $form:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(Arc::from($form(text.as_ref()).as_ref()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Cow<'de, str>>::deserialize(deserializer).map(Self::new)
            }
        }
    };
}

text_id! {
    /// A vendor's identity everywhere outside the database: the `external_id` it was imported
    /// under, unique over all categories. Tidy however it was typed; compared as bytes, so ties
    /// break the same everywhere.
    VendorId, tidy_id
}

text_id! {
    /// A service category's name, e.g. `venue`, in whatever case it was typed. Which names exist
    /// is data: see [`CategoryDef`].
    Category, name_key
}

/// A plan's identity: a UUID version 7, so ids sort by creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(pub Uuid);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PlanId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Which preferences count as wanted tags of a category's vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wants {
    Styles,
    Cuisines,
    Amenities,
    VenueTypes,
    /// The tag `video`, where the client asked for it.
    Video,
}

/// A row of the category table. A new category is a row, not code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryDef {
    pub name: Category,
    /// Ascending: the order in which categories are summed, listed and compared.
    pub position: i32,
    pub wants: Vec<Wants>,
    /// Minutes before the event's start at which this category's service may begin (a make-up
    /// artist works before the guests arrive). Setup comes on top.
    pub lead_minutes: u32,
}
