//! Searching the catalogue: any filters, best rated first.

use jiff::civil::Date;
use serde_json::json;
use tokio_postgres::types::Type;

use super::{
    JOINS,
    columns::{self, SELECT_LIST},
};
use crate::{
    Store, StoreError,
    connection::{
        conditions::{Conditions, contains_pattern},
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{Category, CateringPolicy, Currency, GeoPoint, Vendor, Weekday, name_key};

/// Vendors that one search returns at most.
pub const SEARCH_LIMIT_MAX: u32 = 1_000;

/// What a search wants; an empty filter finds all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VendorFilter {
    pub category: Option<Category>,
    /// In any case.
    pub city: Option<String>,
    /// A part of the name, in any case.
    pub name: Option<String>,
    /// Words of the name or description, as a web search takes them: `"sea view" -hotel`.
    pub words: Option<String>,
    /// One of its tags, amenities or styles.
    pub tag: Option<String>,
    pub style: Option<String>,
    pub amenity: Option<String>,
    /// One of its tags.
    pub cuisine: Option<String>,
    /// A vendor with a price line of at most this, in minor units of the currency.
    pub max_price: Option<(i64, Currency)>,
    /// The same for its lowest per-guest line.
    pub max_guest_price: Option<(i64, Currency)>,
    /// Within so many km of a point.
    pub near: Option<(GeoPoint, f64)>,
    /// Serves that many.
    pub guests: Option<u32>,
    /// Neither blacked out nor closed that day.
    pub date: Option<Date>,
    pub min_rating: Option<f64>,
    /// Where its record comes from.
    pub source: Option<String>,
    pub catering: Option<CateringPolicy>,
    /// 1–[`SEARCH_LIMIT_MAX`]; 0 stands for the most.
    pub limit: u32,
    pub offset: u32,
}

impl Store {
    /// A page of the vendors that a filter lets through: best rating first, then by id.
    pub async fn search_vendors(&self, filter: &VendorFilter) -> Result<Vec<Vendor>, StoreError> {
        let session = self.pool.session("searching vendors").await?;
        let f = filter;
        let category = f.category.as_ref().map(Category::as_str);
        let city = f.city.as_deref().map(name_key);
        // Looked up first: the server plans by what it knows of this category and this city.
        let (category_id, city_id) = ids(&session, category, city.as_deref()).await?;
        let unknown_category = category.is_some() && category_id.is_none();
        if unknown_category || (city.is_some() && city_id.is_none()) {
            return Ok(Vec::new());
        }
        let name = f.name.as_deref().map(contains_pattern);
        let price = f.max_price.map(|(minor, currency)| (minor, currency.code()));
        let guest_price = f.max_guest_price.map(|(minor, currency)| (minor, currency.code()));
        let near = f.near.map(|(at, km)| (at.lat, at.lon, km));
        let guests = f.guests.map(|guests| i32::try_from(guests).unwrap_or(i32::MAX));
        let weekday = f.date.map(|date| i16::from(Weekday(date.weekday()).iso()));
        let source = f.source.as_ref().map(|name| json!({"source": {"name": name}}));
        let catering = f.catering.map(|policy| json!({"policies": {"catering": policy}}));
        let limit = if f.limit == 0 { SEARCH_LIMIT_MAX } else { f.limit };
        let (limit, offset) = (i64::from(limit.min(SEARCH_LIMIT_MAX)), i64::from(f.offset));

        let mut all = Conditions::default();
        if let Some(category) = &category_id {
            all.and("v.category_id = ?", category, Type::INT2);
        }
        if let Some(city) = &city_id {
            all.and("v.city_id = ?", city, Type::INT4);
        }
        if let Some(name) = &name {
            all.and("v.name ILIKE ?", name, Type::TEXT);
        }
        if let Some(words) = &f.words {
            let sql = "to_tsvector('simple', v.name || ' ' || coalesce(v.description, ''))
                       @@ websearch_to_tsquery('simple', ?)";
            all.and(sql, words, Type::TEXT);
        }
        if let Some(tag) = &f.tag {
            let sql = "(v.tags @> ARRAY[?] OR v.amenities @> ARRAY[?] OR v.styles @> ARRAY[?])";
            all.and(sql, tag, Type::TEXT);
        }
        for (word, sql) in [
            (&f.style, "v.styles @> ARRAY[?]"),
            (&f.amenity, "v.amenities @> ARRAY[?]"),
            (&f.cuisine, "v.tags @> ARRAY[?]"),
        ] {
            if let Some(word) = word {
                all.and(sql, word, Type::TEXT);
            }
        }
        if let Some((minor, currency)) = &price {
            all.and("v.currency = ?", currency, Type::TEXT);
            all.and("lowest_price(v.price_amounts) <= ?", minor, Type::INT8);
        }
        if let Some((minor, currency)) = &guest_price {
            all.and("v.currency = ?", currency, Type::TEXT);
            let sql = "guest_price(v.price_bases, v.price_amounts) <= ?";
            all.and(sql, minor, Type::INT8);
        }
        if let Some((lat, lon, km)) = &near {
            let (lat, lon) = (all.value(lat, Type::FLOAT8), all.value(lon, Type::FLOAT8));
            let km = all.value(km, Type::FLOAT8);
            all.also(&format!(
                "v.lat IS NOT NULL AND point(v.lon, v.lat) <@ box_around({lat}, {lon}, {km})
                 AND km_between(v.lat, v.lon, {lat}, {lon}) <= {km}"
            ));
        }
        if let Some(guests) = &guests {
            all.and("(v.capacity_max IS NULL OR v.capacity_max >= ?)", guests, Type::INT4);
            all.and("coalesce(v.capacity_min, 0) <= ?", guests, Type::INT4);
        }
        if let Some(date) = &f.date {
            all.and("NOT ? = ANY (v.blackout_dates)", date, Type::DATE);
        }
        if let Some(weekday) = &weekday {
            all.and("NOT ? = ANY (v.closed_weekdays)", weekday, Type::INT2);
        }
        if let Some(rating) = &f.min_rating {
            all.and("v.rating >= ?", rating, Type::FLOAT8);
        }
        for details in [&source, &catering].into_iter().flatten() {
            all.and("v.details IS NOT NULL AND v.details @> ?", details, Type::JSONB);
        }
        let (limit, offset) = (all.value(&limit, Type::INT8), all.value(&offset, Type::INT8));
        let (conditions, params) = all.finish();
        let sql = format!(
            "SELECT {} {JOINS} {conditions}
             ORDER BY v.rating DESC NULLS LAST, v.external_id LIMIT {limit} OFFSET {offset}",
            *SELECT_LIST
        );
        let rows = session.query_once(&sql, &params).await?;
        rows.iter().map(|row| Ok(columns::read(row)?.1)).collect()
    }
}

async fn ids(
    session: &impl Sql,
    category: Option<&str>,
    city: Option<&str>,
) -> Result<(Option<i16>, Option<i32>), StoreError> {
    let sql = "SELECT (SELECT id FROM service_category WHERE name = $1),
                      (SELECT id FROM city WHERE key = $2)";
    let params: [Param<'_>; 2] = [(&category, Type::TEXT), (&city, Type::TEXT)];
    let row = session.query_one(sql, &params).await?;
    let mut c = RowReader::of(&row, "a place");
    Ok((c.take()?, c.take()?))
}
