//! The cities and areas that an import refers to: their ids, and their centres where the
//! database knows none yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio_postgres::Client;

use crate::model::{GeoPoint, Vendor};

/// A name as it is matched: in lower case, without blanks around it.
pub(super) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A city or area, and the sum of its vendors' coordinates in this import.
#[derive(Default)]
pub(super) struct Place {
    id: i32,
    /// As first imported.
    name: Arc<str>,
    lat_sum: f64,
    lon_sum: f64,
    located: u32,
}

impl Place {
    pub(super) const fn id(&self) -> i32 {
        self.id
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    fn add(&mut self, at: Option<GeoPoint>) {
        if let Some(at) = at {
            self.lat_sum += at.lat;
            self.lon_sum += at.lon;
            self.located += 1;
        }
    }
}

/// Grows with the cities and areas of the file, not with its vendors.
#[derive(Default)]
pub(super) struct Places {
    cities: BTreeMap<String, Place>,
    names: BTreeMap<i32, String>,
    areas: BTreeMap<(i32, String), Place>,
}

impl Places {
    /// Looks up what is not known yet, and makes what does not exist.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        vendors: &[(usize, &Vendor)],
    ) -> Result<(), tokio_postgres::Error> {
        let mut unknown: BTreeMap<String, &str> = BTreeMap::new();
        for (_, vendor) in vendors {
            let key = name_key(&vendor.city);
            if !self.cities.contains_key(&key) {
                unknown.entry(key).or_insert(vendor.city.trim());
            }
        }
        if !unknown.is_empty() {
            let (keys, names): (Vec<String>, Vec<&str>) = unknown.into_iter().unzip();
            let sql = "INSERT INTO city (key, name) \
                       SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (key) DO NOTHING";
            client.execute(sql, &[&keys, &names]).await?;
            let sql = "SELECT id, key, name FROM city WHERE key = ANY($1)";
            for row in client.query(sql, &[&keys]).await? {
                let (id, name) = (row.get(0), row.get::<_, &str>(2));
                let place = Place { id, name: name.into(), ..Place::default() };
                self.cities.insert(row.get(1), place);
                self.names.insert(id, name.to_owned());
            }
        }

        let mut unknown: BTreeMap<(i32, String), &str> = BTreeMap::new();
        for (_, vendor) in vendors {
            let Some(city) = self.cities.get(&name_key(&vendor.city)) else { continue };
            let Some(area) = vendor.area.as_deref() else { continue };
            let key = (city.id, name_key(area));
            if !self.areas.contains_key(&key) {
                unknown.entry(key).or_insert(area.trim());
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let cities: Vec<i32> = unknown.keys().map(|key| key.0).collect();
        let keys: Vec<&str> = unknown.keys().map(|key| key.1.as_str()).collect();
        let names: Vec<&str> = unknown.values().copied().collect();
        let sql = "INSERT INTO area (city_id, key, name) \
                   SELECT * FROM unnest($1::int[], $2::text[], $3::text[]) \
                   ON CONFLICT (city_id, key) DO NOTHING";
        client.execute(sql, &[&cities, &keys, &names]).await?;
        let sql = "SELECT id, city_id, key, name FROM area WHERE (city_id, key) IN \
                   (SELECT * FROM unnest($1::int[], $2::text[]))";
        for row in client.query(sql, &[&cities, &keys]).await? {
            let name = row.get::<_, &str>(3).into();
            let place = Place { id: row.get(0), name, ..Place::default() };
            self.areas.insert((row.get(1), row.get(2)), place);
        }
        Ok(())
    }

    /// A vendor's city and area, once learnt.
    pub(super) fn find(&self, vendor: &Vendor) -> Option<(&Place, Option<&Place>)> {
        let city = self.cities.get(&name_key(&vendor.city))?;
        let area = vendor.area.as_deref().map(|area| (city.id, name_key(area)));
        Some((city, area.and_then(|key| self.areas.get(&key))))
    }

    /// Counts an accepted vendor's coordinates in.
    pub(super) fn locate(&mut self, vendor: &Vendor) {
        let Some(city) = self.cities.get_mut(&name_key(&vendor.city)) else { return };
        city.add(vendor.location);
        if let Some(area) = vendor.area.as_deref()
            && let Some(place) = self.areas.get_mut(&(city.id, name_key(area)))
        {
            place.add(vendor.location);
        }
    }

    /// The names of cities, as first imported.
    pub(super) async fn names_of(
        &mut self,
        client: &Client,
        cities: &BTreeSet<i32>,
    ) -> Result<&BTreeMap<i32, String>, tokio_postgres::Error> {
        let known = &self.names;
        let unknown: Vec<i32> =
            cities.iter().copied().filter(|id| !known.contains_key(id)).collect();
        if !unknown.is_empty() {
            let sql = "SELECT id, name FROM city WHERE id = ANY($1)";
            for row in client.query(sql, &[&unknown]).await? {
                self.names.insert(row.get(0), row.get(1));
            }
        }
        Ok(&self.names)
    }

    /// Places without a centre get the mean of this import's coordinates there; a known centre
    /// stays, so that a small later file does not move it.
    pub(super) async fn set_centres(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let cities = "UPDATE city SET lat = c.lat, lon = c.lon \
                      FROM unnest($1::int[], $2::float8[], $3::float8[]) AS c (id, lat, lon) \
                      WHERE city.id = c.id AND city.lat IS NULL";
        let areas = "UPDATE area SET lat = c.lat, lon = c.lon \
                     FROM unnest($1::int[], $2::float8[], $3::float8[]) AS c (id, lat, lon) \
                     WHERE area.id = c.id AND area.lat IS NULL";
        let of_cities: Vec<&Place> = self.cities.values().collect();
        let of_areas: Vec<&Place> = self.areas.values().collect();
        for (sql, places) in [(cities, of_cities), (areas, of_areas)] {
            let located: Vec<&Place> = places.into_iter().filter(|p| p.located > 0).collect();
            if located.is_empty() {
                continue;
            }
            let ids: Vec<i32> = located.iter().map(|p| p.id).collect();
            let lats: Vec<f64> = located.iter().map(|p| p.lat_sum / f64::from(p.located)).collect();
            let lons: Vec<f64> = located.iter().map(|p| p.lon_sum / f64::from(p.located)).collect();
            client.execute(sql, &[&ids, &lats, &lons]).await?;
        }
        Ok(())
    }
}
