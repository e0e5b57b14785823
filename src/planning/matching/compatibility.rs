//! How well two vendors go together: how near they are, and whether their styles agree.

use std::collections::BTreeMap;

use super::tags::tag_key;
use model::{AreaMap, GeoPoint, Vendor, name_key};

/// Part of nearness in a pair's compatibility; the rest is harmony (DESIGN "Fitness").
pub(crate) const NEARNESS_PART: f64 = 0.7;
/// Part of harmony.
pub(crate) const HARMONY_PART: f64 = 0.3;
/// Kilometres from which on two areas count as not near at all.
const FAR_KM: f64 = 50.0;
/// Nearness where an area is unknown, harmony where a style is.
const UNKNOWN: f64 = 0.5;

/// All that decides a vendor's part in the pairs: its area and its primary style.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// City and area, folded; `None`: unknown.
    pub area: Option<(String, String)>,
    /// The primary style's key.
    pub style: Option<String>,
}

/// The areas by folded names, so that spelling does not part them.
#[derive(Clone, Debug)]
pub struct AreaTable {
    /// City → area → centre.
    cities: BTreeMap<String, BTreeMap<String, GeoPoint>>,
    /// City → its own centre.
    centres: BTreeMap<String, GeoPoint>,
}

impl AreaTable {
    pub fn new(areas: &AreaMap) -> Self {
        let mut cities: BTreeMap<String, BTreeMap<String, GeoPoint>> = BTreeMap::new();
        for (city, area, centre) in areas.iter() {
            let areas = cities.entry(name_key(city).into_owned()).or_default();
            areas.insert(name_key(area).into_owned(), centre);
        }
        let own = areas.cities().map(|(city, centre)| (name_key(city).into_owned(), centre));
        Self { cities, centres: own.collect() }
    }

    /// The mean of the city's area centres; of a city without areas its own centre, by which the
    /// database finds travelling vendors. `None` where neither is known.
    pub(crate) fn city_centre(&self, city: &str) -> Option<GeoPoint> {
        let key = name_key(city);
        let Some(centres) = self.cities.get(&*key).filter(|centres| !centres.is_empty()) else {
            return self.centres.get(&*key).copied();
        };
        let n = centres.len() as f64;
        let lat = centres.values().map(|centre| centre.lat).sum::<f64>() / n;
        let lon = centres.values().map(|centre| centre.lon).sum::<f64>() / n;
        Some(GeoPoint { lat, lon })
    }

    /// A vendor's area is the one it states, else the nearest one of its city where it has
    /// coordinates, else unknown.
    pub fn signature(&self, vendor: &Vendor) -> Signature {
        let city = name_key(&vendor.city).into_owned();
        let stated = vendor.area.as_deref().map(|area| name_key(area).into_owned());
        let stated = stated.filter(|area| !area.is_empty());
        let area = stated.or_else(|| self.nearest(&city, vendor.location?));
        let style = vendor.primary_style().map(tag_key).filter(|style| !style.is_empty());
        Signature { area: area.map(|area| (city, area)), style }
    }

    /// The compatibility of two vendors, 0–1: 0.7 · nearness + 0.3 · harmony.
    pub fn fit(&self, one: &Signature, other: &Signature) -> f64 {
        NEARNESS_PART * self.nearness(one, other) + HARMONY_PART * harmony(one, other)
    }

    /// [`Self::fit`] of each with each. The way between two areas is measured once, however many
    /// signatures lie in them.
    pub fn fits(&self, signatures: &[&Signature]) -> Vec<Vec<f64>> {
        let mut places: Vec<&Signature> = Vec::new();
        let mut place_of = Vec::with_capacity(signatures.len());
        for &signature in signatures {
            let known = places.iter().position(|place| place.area == signature.area);
            place_of.push(known.unwrap_or(places.len()));
            if known.is_none() {
                places.push(signature);
            }
        }
        let nearness: Vec<Vec<f64>> = places
            .iter()
            .map(|one| places.iter().map(|other| self.nearness(one, other)).collect())
            .collect();
        let row = |(one, here): (&&Signature, &usize)| {
            let near = &nearness[*here];
            let others = signatures.iter().zip(&place_of);
            let fit = |(other, there): (&&Signature, &usize)| {
                NEARNESS_PART * near[*there] + HARMONY_PART * harmony(one, other)
            };
            others.map(fit).collect()
        };
        signatures.iter().zip(&place_of).map(row).collect()
    }

    /// 1 in the same area, else max(0, 1 − km/50) between the areas' centres; 0.5 where an area
    /// or its centre is unknown.
    pub fn nearness(&self, one: &Signature, other: &Signature) -> f64 {
        let (Some(here), Some(there)) = (&one.area, &other.area) else { return UNKNOWN };
        if here == there {
            return 1.0;
        }
        match (self.centre(here), self.centre(there)) {
            (Some(a), Some(b)) => (1.0 - a.distance_km(b) / FAR_KM).max(0.0),
            _ => UNKNOWN,
        }
    }

    fn centre(&self, (city, area): &(String, String)) -> Option<GeoPoint> {
        self.cities.get(city)?.get(area).copied()
    }

    /// Ties by name.
    fn nearest(&self, city: &str, point: GeoPoint) -> Option<String> {
        let areas = self.cities.get(city)?.iter();
        areas
            .map(|(name, centre)| (centre.distance_km(point), name))
            .min_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name.clone())
    }
}

/// 1 for the same primary style, 0.5 where either has none, else 0.
pub fn harmony(one: &Signature, other: &Signature) -> f64 {
    match (&one.style, &other.style) {
        (Some(a), Some(b)) => f64::from(u8::from(a == b)),
        _ => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{areas, vendor};

    fn placed(area: Option<&str>, location: Option<(f64, f64)>, styles: &[&str]) -> Signature {
        let mut florist = vendor("f", "florist");
        florist.area = area.map(Into::into);
        florist.location = location.map(|(lat, lon)| GeoPoint { lat, lon });
        florist.styles = styles.iter().map(|&style| style.into()).collect();
        AreaTable::new(&areas()).signature(&florist)
    }

    #[test]
    fn nearness_falls_with_the_distance_of_the_areas() {
        let table = AreaTable::new(&areas());
        let north = placed(Some("North"), None, &[]);
        // A tenth of a degree of latitude is 11.12 km.
        for (other, expected) in [
            (placed(Some("NORTH "), None, &[]), 1.0),
            (placed(Some("South"), None, &[]), 1.0 - 11.1195 / 50.0),
            (placed(Some("Far"), None, &[]), 0.0),
            (placed(None, None, &[]), 0.5),
            (placed(Some("Nowhere"), None, &[]), 0.5),
            (placed(None, Some((12.94, 77.6)), &[]), 1.0 - 11.1195 / 50.0),
            (placed(None, Some((12.96, 77.6)), &[]), 1.0),
        ] {
            assert!((table.nearness(&north, &other) - expected).abs() < 1e-4, "{other:?}");
            assert_eq!(table.nearness(&north, &other), table.nearness(&other, &north));
        }
        let nowhere = placed(Some("Nowhere"), None, &[]);
        assert_eq!(table.nearness(&nowhere, &nowhere), 1.0);
        let unknown = placed(None, None, &[]);
        assert_eq!(table.nearness(&unknown, &unknown), 0.5);
    }

    #[test]
    fn all_pairs_at_once_fit_as_each_pair_does() {
        let table = AreaTable::new(&areas());
        let names = [Some("North"), Some("South"), Some("Far"), Some("Nowhere"), None];
        let styles = [&["rustic"][..], &["modern"], &[]];
        let all: Vec<Signature> = names
            .iter()
            .flat_map(|name| styles.map(|styles| placed(*name, None, styles)))
            .collect();
        let lent: Vec<&Signature> = all.iter().collect();
        for (one, row) in all.iter().zip(table.fits(&lent)) {
            let alone: Vec<f64> = all.iter().map(|other| table.fit(one, other)).collect();
            assert_eq!(row, alone, "to the bit");
        }
    }

    #[test]
    fn harmony_looks_at_the_primary_style_only() {
        let rustic = placed(None, None, &["Rustic", "modern"]);
        for (styles, expected) in
            [(&["rustic"][..], 1.0), (&["modern", "rustic"], 0.0), (&[], 0.5), (&[""], 0.5)]
        {
            assert_eq!(harmony(&rustic, &placed(None, None, styles)), expected, "{styles:?}");
        }
    }

    #[test]
    fn a_citys_centre_is_the_mean_of_its_areas_or_its_own() {
        let chennai = GeoPoint { lat: 13.08, lon: 80.27 };
        let own = [("Chennai".to_owned(), chennai), ("Bengaluru".to_owned(), chennai)];
        let table = AreaTable::new(&areas().with_cities(own));
        let centre = table.city_centre("BENGALURU").unwrap();
        assert!((centre.lat - 13.3).abs() < 1e-9 && (centre.lon - 77.6).abs() < 1e-9);
        assert_eq!(table.city_centre("chennai"), Some(chennai), "no area is known there");
        assert_eq!(table.city_centre("Madurai"), None);
    }
}
