//! Places: coordinates and areas of a city.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Mean earth radius in km (IUGG).
const EARTH_RADIUS_KM: f64 = 6_371.008_8;

/// Degrees, WGS 84: `lat` in −90..=90, `lon` in −180..=180.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoPoint {
    pub lat: f64,
    pub lon: f64,
}

impl GeoPoint {
    /// Whether both degrees are on earth.
    pub fn is_valid(self) -> bool {
        (-90.0..=90.0).contains(&self.lat) && (-180.0..=180.0).contains(&self.lon)
    }

    /// Great-circle distance in km (haversine).
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat1, lat2) = (self.lat.to_radians(), other.lat.to_radians());
        let half_lat = (lat2 - lat1) / 2.0;
        let half_lon = (other.lon - self.lon).to_radians() / 2.0;
        let h = half_lat.sin().powi(2) + lat1.cos() * lat2.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_KM * h.sqrt().min(1.0).asin()
    }
}

/// A part of a city with a centre: a row of the area table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Area {
    pub city: String,
    pub name: String,
    pub centre: GeoPoint,
}

/// The areas that a plan's vendors may lie in, by (city, name), and their cities.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AreaMap {
    centres: BTreeMap<(String, String), GeoPoint>,
    /// Cities' own centres, where known.
    cities: BTreeMap<String, GeoPoint>,
}

impl AreaMap {
    pub fn new(areas: impl IntoIterator<Item = Area>) -> Self {
        let centres = areas.into_iter().map(|a| ((a.city, a.name), a.centre)).collect();
        Self { centres, cities: BTreeMap::new() }
    }

    /// With the cities' own centres, which count where no area of a city is known.
    pub fn with_cities(self, cities: impl IntoIterator<Item = (String, GeoPoint)>) -> Self {
        Self { cities: cities.into_iter().collect(), ..self }
    }

    /// Cities with their own centres, by name.
    pub fn cities(&self) -> impl Iterator<Item = (&str, GeoPoint)> {
        self.cities.iter().map(|(city, centre)| (city.as_str(), *centre))
    }

    pub fn centre(&self, city: &str, area: &str) -> Option<GeoPoint> {
        self.centres.get(&(city.to_owned(), area.to_owned())).copied()
    }

    /// The area of `city` whose centre is nearest to `point`; ties by name.
    pub fn nearest(&self, city: &str, point: GeoPoint) -> Option<&str> {
        let of_city = self.centres.iter().filter(|((c, _), _)| c == city);
        of_city
            .map(|((_, name), centre)| (centre.distance_km(point), name.as_str()))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, GeoPoint)> {
        self.centres.iter().map(|((city, name), centre)| (city.as_str(), name.as_str(), *centre))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_match_known_ones() {
        let bengaluru = GeoPoint { lat: 12.9716, lon: 77.5946 };
        let mysuru = GeoPoint { lat: 12.2958, lon: 76.6394 };
        let km = bengaluru.distance_km(mysuru);
        assert!((km - 128.0).abs() < 2.0, "{km}");
        assert_eq!(bengaluru.distance_km(bengaluru), 0.0);
    }
}
