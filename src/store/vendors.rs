//! Vendors by id, by search, counted; categories and areas.

use std::{collections::BTreeSet, sync::LazyLock};

use jiff::civil::Date;
use tokio_postgres::types::Type;

use super::{
    Store, StoreError,
    columns::Columns,
    import_places::name_key,
    session::{Param, Sql},
    vendor_row::{self, SELECT_LIST},
};
use crate::model::{Area, Category, CategoryDef, Currency, GeoPoint, Vendor, VendorId, Weekday};

/// Vendors that one search returns at most.
pub const SEARCH_LIMIT_MAX: u32 = 1_000;

/// What a search wants; an empty filter finds all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VendorFilter {
    pub category: Option<Category>,
    /// In any case.
    pub city: Option<String>,
    /// A part of the name or description, in any case.
    pub text: Option<String>,
    /// One of its tags, amenities or styles.
    pub tag: Option<String>,
    /// A vendor with a price line of at most this, in minor units of the currency.
    pub max_price: Option<(i64, Currency)>,
    /// Serves that many.
    pub guests: Option<u32>,
    /// Neither blacked out nor closed that day.
    pub date: Option<Date>,
    pub min_rating: Option<f64>,
    /// 1–[`SEARCH_LIMIT_MAX`]; 0 stands for the most.
    pub limit: u32,
    pub offset: u32,
}

/// How many vendors a category has in a city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorCount {
    pub category: Category,
    pub city: String,
    pub vendors: u64,
}

const JOINS: &str = "
    FROM vendor v
    JOIN service_category cat ON cat.id = v.category_id
    JOIN city ci ON ci.id = v.city_id
    LEFT JOIN area a ON a.id = v.area_id";

static BY_IDS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} {JOINS} WHERE v.external_id = ANY ($1) ORDER BY v.external_id", *SELECT_LIST)
});

static SEARCH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} {JOINS}
         WHERE ($1::text IS NULL OR cat.name = $1)
           AND ($2::text IS NULL OR ci.key = $2)
           AND ($3::text IS NULL OR v.name ILIKE $3 OR v.description ILIKE $3)
           AND ($4::text IS NULL OR $4 = ANY (v.tags || v.amenities || v.styles))
           AND ($5::bigint IS NULL
                OR (v.currency = $6 AND $5 >= ANY (v.price_amounts)))
           AND ($9::int IS NULL OR (coalesce(v.capacity_min, $9) <= $9
                                    AND coalesce(v.capacity_max, $9) >= $9))
           AND ($10::date IS NULL OR NOT ($10 = ANY (v.blackout_dates)
                                          OR $11::smallint = ANY (v.closed_weekdays)))
           AND ($12::float8 IS NULL OR v.rating >= $12)
         ORDER BY v.external_id LIMIT $7 OFFSET $8",
        *SELECT_LIST
    )
});

impl Store {
    /// The vendors of these ids that exist, ordered by id.
    pub async fn vendors_by_ids(&self, ids: &[VendorId]) -> Result<Vec<Vendor>, StoreError> {
        let session = self.pool.session("reading vendors").await?;
        let ids: Vec<&str> = ids.iter().map(VendorId::as_str).collect();
        let rows = session.query(&BY_IDS, &[(&ids as _, Type::TEXT_ARRAY)]).await?;
        rows.iter().map(|row| Ok(vendor_row::read(row)?.1)).collect()
    }

    /// The ids that no vendor has, sorted.
    pub async fn missing_vendors(&self, ids: &[VendorId]) -> Result<Vec<VendorId>, StoreError> {
        let session = self.pool.session("looking for vendors").await?;
        let wanted: Vec<&str> = ids.iter().map(VendorId::as_str).collect();
        let sql = "SELECT external_id FROM vendor WHERE external_id = ANY ($1)";
        let rows = session.query(sql, &[(&wanted as _, Type::TEXT_ARRAY)]).await?;
        let found = rows.iter().map(|row| Columns::of(row, "a vendor").take());
        let found = found.collect::<Result<BTreeSet<&str>, _>>()?;
        let missing: BTreeSet<&VendorId> =
            ids.iter().filter(|id| !found.contains(id.as_str())).collect();
        Ok(missing.into_iter().cloned().collect())
    }

    /// A page of the vendors that a filter lets through, ordered by id.
    pub async fn search_vendors(&self, filter: &VendorFilter) -> Result<Vec<Vendor>, StoreError> {
        let session = self.pool.session("searching vendors").await?;
        let category = filter.category.as_ref().map(Category::as_str);
        let city = filter.city.as_deref().map(name_key);
        let text = filter.text.as_deref().map(contains_pattern);
        let price = filter.max_price.map(|(minor, _)| minor);
        let currency = filter.max_price.map(|(_, currency)| currency.code());
        let limit = if filter.limit == 0 { SEARCH_LIMIT_MAX } else { filter.limit };
        let limit = i64::from(limit.min(SEARCH_LIMIT_MAX));
        let offset = i64::from(filter.offset);
        let guests = filter.guests.map(|guests| i32::try_from(guests).unwrap_or(i32::MAX));
        let weekday = filter.date.map(|date| i16::from(Weekday(date.weekday()).iso()));
        let params: [Param<'_>; 12] = [
            (&category as _, Type::TEXT),
            (&city as _, Type::TEXT),
            (&text as _, Type::TEXT),
            (&filter.tag as _, Type::TEXT),
            (&price as _, Type::INT8),
            (&currency as _, Type::TEXT),
            (&limit as _, Type::INT8),
            (&offset as _, Type::INT8),
            (&guests as _, Type::INT4),
            (&filter.date as _, Type::DATE),
            (&weekday as _, Type::INT2),
            (&filter.min_rating as _, Type::FLOAT8),
        ];
        let rows = session.query(&SEARCH, &params).await?;
        rows.iter().map(|row| Ok(vendor_row::read(row)?.1)).collect()
    }

    /// Vendors per category and city, in category order.
    pub async fn vendor_counts(&self) -> Result<Vec<VendorCount>, StoreError> {
        let session = self.pool.session("counting vendors").await?;
        let sql = "SELECT cat.name, ci.name, n.vendors
                   FROM (SELECT category_id, city_id, count(*) AS vendors FROM vendor
                         GROUP BY category_id, city_id) n
                   JOIN service_category cat ON cat.id = n.category_id
                   JOIN city ci ON ci.id = n.city_id
                   ORDER BY cat.position, ci.key";
        let rows = session.query(sql, &[]).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a vendor count");
            let category = Category::new(c.take::<&str>()?);
            let city = c.take()?;
            Ok(VendorCount { category, city, vendors: c.take::<i64>()?.unsigned_abs() })
        };
        rows.iter().map(read).collect()
    }

    /// The areas with a known centre of these cities (in any case), named as vendors name them.
    pub async fn areas(&self, cities: &[&str]) -> Result<Vec<Area>, StoreError> {
        let session = self.pool.session("reading areas").await?;
        let keys: Vec<String> = cities.iter().map(|city| name_key(city)).collect();
        let sql = "SELECT ci.name, a.name, a.lat, a.lon
                   FROM area a JOIN city ci ON ci.id = a.city_id
                   WHERE ci.key = ANY ($1) AND a.lat IS NOT NULL
                   ORDER BY ci.key, a.key";
        let rows = session.query(sql, &[(&keys as _, Type::TEXT_ARRAY)]).await?;
        let read = |row| {
            let mut c = Columns::of(row, "an area");
            let (city, name) = (c.take()?, c.take()?);
            Ok(Area { city, name, centre: GeoPoint { lat: c.take()?, lon: c.take()? } })
        };
        rows.iter().map(read).collect()
    }

    /// The service categories, in their order.
    pub async fn categories(&self) -> Result<Vec<CategoryDef>, StoreError> {
        let session = self.pool.session("reading the service categories").await?;
        let sql = "SELECT name, position, wants, lead_minutes FROM service_category \
                   ORDER BY position";
        let rows = session.query(sql, &[]).await?;
        let read = |row| {
            let mut c = Columns::of(row, "a service category");
            let name = Category::new(c.take::<&str>()?);
            let position = c.take()?;
            let wants: Vec<String> = c.take()?;
            let wants = serde_json::from_value(wants.into()).map_err(|error| c.corrupt(error))?;
            let lead_minutes = c.take::<i32>()?.unsigned_abs();
            Ok(CategoryDef { name, position, wants, lead_minutes })
        };
        rows.iter().map(read).collect()
    }
}

/// A pattern that matches every text with `part` in it; `%` and `_` stand for themselves.
fn contains_pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
