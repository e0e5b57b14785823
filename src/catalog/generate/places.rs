//! Where sample vendors lie: cities, their areas and centres. Areas are invented.

use super::draws::Draws;
use model::{Area, GeoPoint, name_key, tidy_name};

/// Area names, and how many degrees north and east of the centre each lies at least and at most.
const AREAS: [(&str, f64, f64); 10] = [
    ("Old Town", 0.00, 0.01),
    ("Market Quarter", 0.02, -0.02),
    ("Lakeside", 0.05, 0.04),
    ("Garden District", -0.04, -0.01),
    ("Hill View", -0.07, 0.06),
    ("Riverside", 0.03, -0.08),
    ("Tech Park", -0.02, 0.12),
    ("North Gate", 0.12, 0.02),
    ("Southfields", -0.12, -0.05),
    ("Airport Road", 0.16, 0.10),
];

/// Degrees by which an area's centre is moved per city, so that no two cities are alike.
const CITY_JITTER: f64 = 0.015;

/// Where the first invented city lies, degrees north and east, and how far each further row and
/// column is from it: neighbours are 140 to 190 km apart, as cities with thousands of vendors are,
/// so that those who travel farthest reach a part of the next one.
const LATTICE: [(f64, f64); 2] = [(10.0, 1.5), (66.0, 1.6)];
/// Degrees by which an invented city is moved off its place in the lattice.
const LATTICE_JITTER: f64 = 0.1;

/// The areas of a city, always the same for one name: around `centre` where there is one, else
/// the first 200 invented cities in a loose lattice, any other one at random in southern Asia.
pub(crate) fn areas_around(city: &str, centre: Option<GeoPoint>) -> Vec<Area> {
    let key = name_key(city);
    let digest = blake3::hash(key.as_bytes());
    let mut first_bytes = [0; 8];
    first_bytes.copy_from_slice(&digest.as_bytes()[..8]);
    let mut draws = Draws::new(u64::from_le_bytes(first_bytes), 0);
    let (lat, lon) = match centre {
        Some(at) => (at.lat, at.lon),
        None => invented_place(&key, &mut draws),
    };
    let mut jitter = || draws.between(-CITY_JITTER, CITY_JITTER);
    let area = |(name, north, east): &(&str, f64, f64)| Area {
        city: tidy_name(city).into_owned(),
        name: (*name).to_owned(),
        centre: point(lat + north + jitter(), lon + east + jitter()),
    };
    AREAS.iter().map(area).collect()
}

/// Whether it is one of [`invented_cities`], the number behind it aside.
pub(crate) fn is_invented(city: &str) -> bool {
    let key = name_key(city);
    let bare = key.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    lattice_place(bare).is_some_and(|(row, column)| {
        let [first, last] = [FIRST_PARTS[column], LAST_PARTS[row]];
        bare.len() == first.len() + last.len()
    })
}

const FIRST_PARTS: [&str; 20] = [
    "Amba", "Bela", "Chandra", "Deva", "Eka", "Giri", "Hari", "Indra", "Jaya", "Kama", "Lila",
    "Mani", "Nila", "Padma", "Rama", "Sona", "Tara", "Uma", "Vani", "Yama",
];
const LAST_PARTS: [&str; 10] =
    ["pur", "nagar", "gaon", "wadi", "kot", "garh", "patnam", "halli", "bagh", "ganj"];

/// The row and column of an invented city's name.
fn lattice_place(key: &str) -> Option<(usize, usize)> {
    let position = |parts: &[&str], fits: &dyn Fn(&str) -> bool| {
        parts.iter().position(|part| fits(&part.to_lowercase()))
    };
    let column = position(&FIRST_PARTS, &|part| key.starts_with(part))?;
    let row = position(&LAST_PARTS, &|part| key.ends_with(part))?;
    Some((row, column))
}

fn invented_place(key: &str, draws: &mut Draws) -> (f64, f64) {
    match lattice_place(key) {
        Some((row, column)) => {
            let mut jitter = || draws.between(-LATTICE_JITTER, LATTICE_JITTER);
            let [(north, row_step), (east, column_step)] = LATTICE;
            let lat = north + row as f64 * row_step + jitter();
            (lat, east + column as f64 * column_step + jitter())
        }
        None => (draws.between(9.0, 29.0), draws.between(73.0, 88.0)),
    }
}

/// Names of invented cities, the same for every count: `Ambapur`, `Belapur` … and with a number
/// once the 200 names are used up.
pub fn invented_cities(count: usize) -> Vec<String> {
    let names = FIRST_PARTS.len() * LAST_PARTS.len();
    let name = |index: usize| {
        let first = FIRST_PARTS[index % FIRST_PARTS.len()];
        let last = LAST_PARTS[index / FIRST_PARTS.len() % LAST_PARTS.len()];
        match index / names {
            0 => format!("{first}{last}"),
            round => format!("{first}{last} {}", round + 1),
        }
    };
    (0..count).map(name).collect()
}

/// Rounded to 1/10,000 degree, some ten metres; on earth beyond the date line and at the poles,
/// too.
pub(crate) fn point(lat: f64, lon: f64) -> GeoPoint {
    let round = |degrees: f64| (degrees * 10_000.0).round() / 10_000.0;
    let lon = if lon.abs() > 180.0 { lon - 360.0_f64.copysign(lon) } else { lon };
    GeoPoint { lat: round(lat.clamp(-90.0, 90.0)), lon: round(lon) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_cities_are_apart_and_some_travel_between_them() {
        let centres: Vec<GeoPoint> =
            invented_cities(200).iter().map(|city| areas_around(city, None)[0].centre).collect();
        let nearest = |(i, at): (usize, &GeoPoint)| {
            let others = centres.iter().enumerate().filter(|(j, _)| *j != i);
            others.map(|(_, other)| at.distance_km(*other)).fold(f64::INFINITY, f64::min)
        };
        let nearest: Vec<f64> = centres.iter().enumerate().map(nearest).collect();
        assert!(nearest.iter().all(|km| (120.0..190.0).contains(km)), "{nearest:?}");
    }

    #[test]
    fn invented_names_are_told_from_others() {
        for name in invented_cities(450) {
            assert!(is_invented(&name), "{name}");
        }
        for other in ["Nagar", "Ambala", "Ramagundam", "Amba Xpur", "2", ""] {
            assert!(!is_invented(other), "{other}");
        }
    }

    #[test]
    fn areas_stay_on_earth() {
        for (lat, lon) in [(89.99, 179.99), (-90.0, -180.0), (-17.0, 180.0)] {
            for area in areas_around("X", Some(GeoPoint { lat, lon })) {
                assert!(area.centre.is_valid(), "{area:?}");
            }
        }
    }

    #[test]
    fn invented_cities_are_all_different() {
        let cities = invented_cities(1_000);
        let different: std::collections::BTreeSet<&String> = cities.iter().collect();
        assert_eq!(different.len(), 1_000);
        assert_eq!((&*cities[0], &*cities[200]), ("Ambapur", "Ambapur 2"));
    }
}
