//! The cities and areas that an import refers to: their ids, and their centres where the
//! database knows none yet.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use tokio_postgres::Client;

use model::{GeoPoint, Vendor, name_key, tidy_name};

/// A city or area, and the sum of its vendors' coordinates in this import.
#[derive(Default)]
struct Place {
    /// As first imported.
    name: Arc<str>,
    lat_sum: f64,
    lon_sum: f64,
    located: u32,
}

impl Place {
    fn named(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
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
pub(crate) struct Places {
    city_ids: BTreeMap<String, i32>,
    area_ids: BTreeMap<(i32, String), i32>,
    cities: HashMap<i32, Place>,
    areas: HashMap<i32, Place>,
}

impl Places {
    /// Looks up what is not known yet, and makes what does not exist.
    pub(crate) async fn learn(
        &mut self,
        client: &Client,
        vendors: &[(usize, &Vendor)],
    ) -> Result<(), tokio_postgres::Error> {
        let mut unknown: BTreeMap<String, Cow<'_, str>> = BTreeMap::new();
        for (_, vendor) in vendors {
            let key = name_key(&vendor.city);
            if !self.city_ids.contains_key(&*key) {
                unknown.entry(key.into_owned()).or_insert_with(|| tidy_name(&vendor.city));
            }
        }
        if !unknown.is_empty() {
            let (keys, names): (Vec<String>, Vec<Cow<'_, str>>) = unknown.into_iter().unzip();
            let sql = "INSERT INTO city (key, name) \
                       SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT (key) DO NOTHING";
            client.execute(sql, &[&keys, &names]).await?;
            let sql = "SELECT id, key, name FROM city WHERE key = ANY($1)";
            for row in client.query(sql, &[&keys]).await? {
                self.city_ids.insert(row.get(1), row.get(0));
                self.cities.insert(row.get(0), Place::named(row.get(2)));
            }
        }

        let mut unknown: BTreeMap<(i32, String), Cow<'_, str>> = BTreeMap::new();
        for (_, vendor) in vendors {
            let Some(city) = self.city_ids.get(&*name_key(&vendor.city)) else { continue };
            let Some(area) = vendor.area.as_deref() else { continue };
            let key = (*city, name_key(area).into_owned());
            if !self.area_ids.contains_key(&key) {
                unknown.entry(key).or_insert_with(|| tidy_name(area));
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        let cities: Vec<i32> = unknown.keys().map(|key| key.0).collect();
        let keys: Vec<&str> = unknown.keys().map(|key| key.1.as_str()).collect();
        let names: Vec<&str> = unknown.values().map(|name| &**name).collect();
        let sql = "INSERT INTO area (city_id, key, name) \
                   SELECT * FROM unnest($1::int[], $2::text[], $3::text[]) \
                   ON CONFLICT (city_id, key) DO NOTHING";
        client.execute(sql, &[&cities, &keys, &names]).await?;
        let sql = "SELECT id, city_id, key, name FROM area WHERE (city_id, key) IN \
                   (SELECT * FROM unnest($1::int[], $2::text[]))";
        for row in client.query(sql, &[&cities, &keys]).await? {
            self.area_ids.insert((row.get(1), row.get(2)), row.get(0));
            self.areas.insert(row.get(0), Place::named(row.get(3)));
        }
        Ok(())
    }

    /// The ids of a vendor's city and area, once learnt.
    pub(crate) fn find(&self, vendor: &Vendor) -> Option<(i32, Option<i32>)> {
        let city = *self.city_ids.get(&*name_key(&vendor.city))?;
        let area = vendor.area.as_deref().map(|area| (city, name_key(area).into_owned()));
        Some((city, area.and_then(|key| self.area_ids.get(&key).copied())))
    }

    /// Their names.
    pub(crate) fn names(&self, city: i32, area: Option<i32>) -> Option<(&str, Option<&str>)> {
        let area = area.and_then(|area| self.areas.get(&area));
        Some((&self.cities.get(&city)?.name, area.map(|place| &*place.name)))
    }

    /// Counts an accepted vendor's coordinates in.
    pub(crate) fn locate(&mut self, city: i32, area: Option<i32>, at: Option<GeoPoint>) {
        if let Some(city) = self.cities.get_mut(&city) {
            city.add(at);
        }
        if let Some(area) = area.and_then(|area| self.areas.get_mut(&area)) {
            area.add(at);
        }
    }

    /// The names of cities, as first imported.
    pub(crate) async fn names_of(
        &self,
        client: &Client,
        cities: &BTreeSet<i32>,
    ) -> Result<BTreeMap<i32, String>, tokio_postgres::Error> {
        let known = |id: &i32| Some((*id, self.cities.get(id)?.name.to_string()));
        let mut names: BTreeMap<i32, String> = cities.iter().filter_map(known).collect();
        let unknown: Vec<i32> =
            cities.iter().copied().filter(|id| !names.contains_key(id)).collect();
        if !unknown.is_empty() {
            let sql = "SELECT id, name FROM city WHERE id = ANY($1)";
            for row in client.query(sql, &[&unknown]).await? {
                names.insert(row.get(0), row.get(1));
            }
        }
        Ok(names)
    }

    /// Places without a centre get the mean of this import's coordinates there; a known centre
    /// stays, so that a small later file does not move it.
    pub(crate) async fn set_centres(&self, client: &Client) -> Result<(), tokio_postgres::Error> {
        let cities = "UPDATE city SET lat = c.lat, lon = c.lon \
                      FROM unnest($1::int[], $2::float8[], $3::float8[]) AS c (id, lat, lon) \
                      WHERE city.id = c.id AND city.lat IS NULL";
        let areas = "UPDATE area SET lat = c.lat, lon = c.lon \
                     FROM unnest($1::int[], $2::float8[], $3::float8[]) AS c (id, lat, lon) \
                     WHERE area.id = c.id AND area.lat IS NULL";
        for (sql, places) in [(cities, &self.cities), (areas, &self.areas)] {
            let located = || places.iter().filter(|(_, place)| place.located > 0);
            let ids: Vec<i32> = located().map(|(id, _)| *id).collect();
            if ids.is_empty() {
                continue;
            }
            let mean = |sum: f64, place: &Place| sum / f64::from(place.located);
            let lats: Vec<f64> = located().map(|(_, p)| mean(p.lat_sum, p)).collect();
            let lons: Vec<f64> = located().map(|(_, p)| mean(p.lon_sum, p)).collect();
            client.execute(sql, &[&ids, &lats, &lons]).await?;
        }
        Ok(())
    }
}
