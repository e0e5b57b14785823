//! What an import meets and touches: ids of categories and places, and whose remembered vendors
//! go stale.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::places::Places;
use crate::vendors::columns::{Keys, Names};
use model::{Category, FieldError, Vendor};

/// Grows with the cities and areas of the import, not with its vendors.
pub(crate) struct Notes {
    categories: BTreeMap<Category, i16>,
    pub(crate) places: Places,
    touched: BTreeSet<(i16, i32)>,
    travelling: BTreeSet<i16>,
}

impl Notes {
    pub(crate) fn new(categories: BTreeMap<Category, i16>) -> Self {
        let (places, touched, travelling) = Default::default();
        Self { categories, places, touched, travelling }
    }

    /// The ids of a vendor's category and places.
    ///
    /// # Errors
    /// The field that names something unknown.
    pub(crate) fn keys(&self, vendor: &Vendor, import_number: i64) -> Result<Keys, FieldError> {
        let category = *self.categories.get(&vendor.category).ok_or_else(|| {
            let known: Vec<&str> = self.categories.keys().map(Category::as_str).collect();
            FieldError::new(
                "category",
                format!("`{}` is no service category", vendor.category.as_str().escape_debug()),
                format!("write one of {}", known.join(", ")),
            )
        })?;
        let (city, area) = self.places.find(vendor).ok_or_else(|| {
            FieldError::new("city", "holds a character that can't be stored", "correct it")
        })?;
        Ok(Keys { category, city, area, import_number })
    }

    /// The names of the places, as the database shows them.
    pub(crate) fn names_of(&self, keys: Keys) -> Option<Names<'_>> {
        let (city, area) = self.places.names(keys.city, keys.area)?;
        Some(Names { city, area })
    }

    /// A vendor was written.
    pub(crate) fn wrote(&mut self, vendor: &Vendor, keys: Keys) {
        self.places.locate(keys.city, keys.area, vendor.location);
        self.stood(keys.category, keys.city, vendor.service_radius_km.is_some());
    }

    /// A vendor stood, or stands, in this place.
    pub(crate) fn stood(&mut self, category: i16, city: i32, travels: bool) {
        self.touched.insert((category, city));
        if travels {
            self.travelling.insert(category);
        }
    }

    /// Whose remembered vendors are stale: pairs of category and city; 0 stands for all cities.
    pub(crate) fn changes(&self) -> (Vec<i16>, Vec<i32>) {
        let everywhere = self.travelling.iter().map(|category| (*category, 0));
        self.touched.iter().copied().chain(everywhere).unzip()
    }

    /// The same by name: categories with their cities, and the categories of those that travel.
    pub(crate) async fn names(
        &self,
        client: &Client,
    ) -> Result<(Vec<(Category, String)>, Vec<Category>), tokio_postgres::Error> {
        let cities = self.touched.iter().map(|pair| pair.1).collect();
        let city_names = self.places.names_of(client, &cities).await?;
        let categories: BTreeMap<i16, &Category> =
            self.categories.iter().map(|(name, id)| (*id, name)).collect();
        let pairs = self.touched.iter().filter_map(|(category, city)| {
            Some(((*categories.get(category)?).clone(), city_names.get(city)?.clone()))
        });
        let mut touched: Vec<(Category, String)> = pairs.collect();
        touched.sort();
        let travelling = self.travelling.iter().filter_map(|id| categories.get(id));
        let mut travelling: Vec<Category> = travelling.map(|name| (*name).clone()).collect();
        travelling.sort();
        Ok((touched, travelling))
    }
}
