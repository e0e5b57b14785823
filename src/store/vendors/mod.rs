//! Vendors by id and counted; categories and areas.

pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod filter;
pub(crate) mod pack;
#[cfg(test)]
mod pack_tests;
pub(crate) mod sourcing;
pub(crate) mod sourcing_busy;
pub(crate) mod sourcing_sql;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use columns::SELECT_LIST;
use tokio_postgres::types::Type;

use crate::{
    Store, StoreError,
    connection::{
        row_reader::RowReader,
        session::{Param, Sql},
    },
};
use model::{Area, AreaMap, Category, CategoryDef, GeoPoint, Vendor, VendorId, name_key};
use wire::VendorCount;

pub(super) const JOINS: &str = "
    FROM vendor v
    JOIN service_category cat ON cat.id = v.category_id
    JOIN city ci ON ci.id = v.city_id
    LEFT JOIN area a ON a.id = v.area_id";

static BY_IDS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {} {JOINS} WHERE v.external_id = ANY ($1) ORDER BY v.external_id", *SELECT_LIST)
});

const NEAREST_CITIES: &str = "
    SELECT ci.name FROM city ci LEFT JOIN city here ON here.key = $1
    WHERE ci.key <> $1
      AND EXISTS (SELECT FROM service_category cat
                  JOIN vendor v ON v.category_id = cat.id AND v.city_id = ci.id
                  WHERE cat.name = ANY ($2))
    ORDER BY km_between(here.lat, here.lon, ci.lat, ci.lon), ci.key
    LIMIT $3";

/// The wanted city stands among them where its row has a centre.
const SERVED_CITIES: &str = "
    SELECT ci.name, ci.lat, ci.lon, ci.key = $1 FROM city ci
    WHERE ci.key = $1
       OR EXISTS (SELECT FROM service_category cat
                  JOIN vendor v ON v.category_id = cat.id AND v.city_id = ci.id
                  WHERE cat.name = ANY ($2))
    ORDER BY ci.key <> $1, ci.key
    LIMIT $3";

/// Cities that are looked through for a name, at most.
const SERVED_CITIES_MAX: i64 = 20_000;

/// Cities with vendors, by key, each with its centre where that is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServedCities {
    /// The centre of the city that was asked about.
    pub here: Option<GeoPoint>,
    pub others: Vec<(String, Option<GeoPoint>)>,
}

impl Store {
    /// The vendors of these ids that exist, ordered by id.
    pub async fn vendors_by_ids(&self, ids: &[VendorId]) -> Result<Vec<Vendor>, StoreError> {
        by_ids(&self.pool.session("reading vendors").await?, ids).await
    }

    /// The ids that no vendor has, sorted.
    pub async fn missing_vendors(&self, ids: &[VendorId]) -> Result<Vec<VendorId>, StoreError> {
        let session = self.pool.session("looking for vendors").await?;
        let wanted: Vec<&str> = ids.iter().map(VendorId::as_str).collect();
        let sql = "SELECT external_id FROM vendor WHERE external_id = ANY ($1)";
        let rows = session.query(sql, &[(&wanted as _, Type::TEXT_ARRAY)]).await?;
        let found = rows.iter().map(|row| RowReader::of(row, "a vendor").take());
        let found = found.collect::<Result<BTreeSet<&str>, _>>()?;
        let missing: BTreeSet<&VendorId> =
            ids.iter().filter(|id| !found.contains(id.as_str())).collect();
        Ok(missing.into_iter().cloned().collect())
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
            let mut c = RowReader::of(row, "a vendor count");
            let category = Category::new(c.take::<&str>()?);
            let city = c.take()?;
            Ok(VendorCount { category, city, vendors: c.take::<i64>()?.unsigned_abs() })
        };
        rows.iter().map(read).collect()
    }

    /// The areas with a known centre of these cities (in any case), named as vendors name them,
    /// and the cities' own centres where those are known.
    pub async fn areas(&self, cities: &[&str]) -> Result<AreaMap, StoreError> {
        areas_of(&self.pool.session("reading areas").await?, cities).await
    }

    /// Other cities that have vendors of any of these categories, `limit` at most: the nearest
    /// to `city` first, those at an unknown distance last, by name.
    pub async fn nearest_cities(
        &self,
        city: &str,
        categories: &[Category],
        limit: u16,
    ) -> Result<Vec<String>, StoreError> {
        let session = self.pool.session("reading the nearest cities").await?;
        let city = name_key(city);
        let names: Vec<&str> = categories.iter().map(Category::as_str).collect();
        let limit = i64::from(limit);
        let params: [Param<'_>; 3] =
            [(&city as _, Type::TEXT), (&names as _, Type::TEXT_ARRAY), (&limit as _, Type::INT8)];
        let rows = session.query(NEAREST_CITIES, &params).await?;
        rows.iter().map(|row| RowReader::of(row, "a city").take()).collect()
    }

    /// The cities other than `city` that have vendors of any of these categories, 20,000 at most.
    pub async fn served_cities(
        &self,
        city: &str,
        categories: &[Category],
    ) -> Result<ServedCities, StoreError> {
        let session = self.pool.session("reading the cities").await?;
        let city = name_key(city);
        let names: Vec<&str> = categories.iter().map(Category::as_str).collect();
        let params: [Param<'_>; 3] = [
            (&city as _, Type::TEXT),
            (&names as _, Type::TEXT_ARRAY),
            (&SERVED_CITIES_MAX as _, Type::INT8),
        ];
        let mut served = ServedCities::default();
        for row in session.query(SERVED_CITIES, &params).await? {
            let mut c = RowReader::of(&row, "a city");
            let (name, centre): (String, _) = (c.take()?, point(&mut c)?);
            if c.take()? {
                served.here = centre;
            } else {
                served.others.push((name, centre));
            }
        }
        Ok(served)
    }

    /// The service categories, in their order.
    pub async fn categories(&self) -> Result<Vec<CategoryDef>, StoreError> {
        let session = self.pool.session("reading the service categories").await?;
        let sql = "SELECT name, position, wants, lead_minutes FROM service_category \
                   ORDER BY position";
        let rows = session.query(sql, &[]).await?;
        let read = |row| {
            let mut c = RowReader::of(row, "a service category");
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

/// As [`Store::vendors_by_ids`], also inside a transaction.
pub(super) async fn by_ids(sql: &impl Sql, ids: &[VendorId]) -> Result<Vec<Vendor>, StoreError> {
    let ids: Vec<&str> = ids.iter().map(VendorId::as_str).collect();
    let rows = sql.query(&BY_IDS, &[(&ids as _, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| Ok(columns::read(row)?.1)).collect()
}

/// As [`Store::areas`], also inside a transaction.
pub(super) async fn areas_of(sql: &impl Sql, cities: &[&str]) -> Result<AreaMap, StoreError> {
    let keys: Vec<Cow<'_, str>> = cities.iter().map(|city| name_key(city)).collect();
    // A city stands in a row of its own where none of its areas has a centre.
    let statement = "SELECT ci.name, ci.lat, ci.lon, a.name, a.lat, a.lon
               FROM city ci LEFT JOIN area a ON a.city_id = ci.id AND a.lat IS NOT NULL
               WHERE ci.key = ANY ($1)
               ORDER BY ci.key, a.key";
    let rows = sql.query(statement, &[(&keys as _, Type::TEXT_ARRAY)]).await?;
    let (mut areas, mut centres) = (Vec::new(), BTreeMap::new());
    for row in &rows {
        let mut c = RowReader::of(row, "an area");
        let city: String = c.take()?;
        if let Some(centre) = point(&mut c)? {
            centres.insert(city.clone(), centre);
        }
        let name: Option<String> = c.take()?;
        if let Some((name, centre)) = name.zip(point(&mut c)?) {
            areas.push(Area { city, name, centre });
        }
    }
    Ok(AreaMap::new(areas).with_cities(centres))
}

fn point(c: &mut RowReader<'_>) -> Result<Option<GeoPoint>, StoreError> {
    let (lat, lon): (Option<f64>, Option<f64>) = (c.take()?, c.take()?);
    Ok(lat.zip(lon).map(|(lat, lon)| GeoPoint { lat, lon }))
}
