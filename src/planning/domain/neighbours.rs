//! Which known city may be meant by the name of one that nobody serves.

use std::collections::BTreeSet;

use model::{GeoPoint, KnownCity, alike, has_name_key, known_city, name_key};

/// Cities that are named by their distance, at most.
const NAMED_MAX: usize = 3;

/// A city with vendors, and its centre where it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedCity {
    pub name: String,
    pub centre: Option<GeoPoint>,
}

/// The cities that may be meant, or are the next best.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// All of them, the likeliest first.
    pub order: Vec<String>,
    /// The wanted city by another name.
    pub same: Option<String>,
    /// The conflict in plain words.
    pub statement: String,
}

/// `here`: the wanted city's centre where the catalogue knows it; a real city's is known anyway.
///
/// First the same city under another name; then, for a real city, the nearest ones and those
/// alike in spelling, for any other name those alike first; then the rest by name.
pub fn neighbours(wanted: &str, here: Option<GeoPoint>, served: &[ServedCity]) -> Neighbours {
    let key = name_key(wanted);
    let mut served: Vec<&ServedCity> =
        served.iter().filter(|city| !has_name_key(&city.name, &key)).collect();
    served.sort_by(|a, b| name_key(&a.name).cmp(&name_key(&b.name)));
    let real = known_city(wanted);
    let here = here.or(real.map(|city| city.centre));
    let same = served.iter().find(|city| is_same(real, known_city(&city.name)));
    let same = same.map(|city| city.name.as_str());

    let mut spelled: Vec<(&str, &str)> = Vec::with_capacity(served.len());
    for city in &served {
        let others = known_city(&city.name).into_iter().flat_map(KnownCity::names);
        spelled.push((&city.name, &city.name));
        spelled.extend(others.map(|name| (city.name.as_str(), name)));
    }
    let alike = alike(wanted, spelled);
    let near = by_distance(here, &served);

    let near_names = near.iter().map(|(_, name)| *name);
    let listed: Vec<&str> = match real {
        Some(_) => near_names.chain(alike.iter().copied()).collect(),
        None => alike.iter().copied().chain(near_names).collect(),
    };
    let all = served.iter().map(|city| city.name.as_str());
    let mut seen = BTreeSet::new();
    let order = same.into_iter().chain(listed).chain(all).filter(|name| seen.insert(*name));
    Neighbours {
        order: order.map(str::to_owned).collect(),
        same: same.map(str::to_owned),
        statement: statement(wanted, same, &alike, &near),
    }
}

fn is_same(one: Option<&KnownCity>, other: Option<&KnownCity>) -> bool {
    one.zip(other).is_some_and(|(one, other)| std::ptr::eq(one, other))
}

/// In km; ties by name.
fn by_distance<'s>(here: Option<GeoPoint>, served: &[&'s ServedCity]) -> Vec<(f64, &'s str)> {
    let Some(here) = here else { return Vec::new() };
    let far = |city: &&'s ServedCity| {
        let centre = city.centre.or_else(|| known_city(&city.name).map(|city| city.centre))?;
        Some((here.distance_km(centre), city.name.as_str()))
    };
    let mut near: Vec<(f64, &str)> = served.iter().filter_map(far).collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near
}

fn statement(wanted: &str, same: Option<&str>, alike: &[&str], near: &[(f64, &str)]) -> String {
    let mut words = format!("the city {wanted}: none of the wanted services is offered there");
    if let Some(same) = same {
        words += &format!("; its vendors call it {same}");
    }
    if !alike.is_empty() {
        words += &format!("; nearest in spelling: {}", alike.join(", "));
    }
    if !near.is_empty() {
        let near = near.iter().take(NAMED_MAX).map(|(km, name)| format!("{name} ({km:.0} km)"));
        words += &format!("; nearest in distance: {}", near.collect::<Vec<_>>().join(", "));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(cities: &[(&str, Option<(f64, f64)>)]) -> Vec<ServedCity> {
        let city = |(name, at): &(&str, Option<(f64, f64)>)| ServedCity {
            name: (*name).to_owned(),
            centre: at.map(|(lat, lon)| GeoPoint { lat, lon }),
        };
        cities.iter().map(city).collect()
    }

    #[test]
    fn the_likeliest_city_comes_first() {
        let cities = [
            ("Bengaluru", Some((12.97, 77.59))),
            ("Mysuru", None),
            ("Mumbai", Some((19.08, 72.88))),
            ("Köln", None),
            ("Neverwhere", None),
        ];
        for (wanted, order, same) in [
            ("Bangalore", &["Bengaluru", "Mysuru", "Mumbai"][..], Some("Bengaluru")),
            ("Bombay", &["Mumbai"], Some("Mumbai")),
            ("Cologne", &["Köln"], Some("Köln")),
            ("Banglore", &["Bengaluru"], None),
            ("Bonn", &["Köln"], None),
            ("Mysooru", &["Mysuru"], None),
            ("Chennai", &["Bengaluru", "Mysuru"], None),
            ("Atlantis", &["Bengaluru", "Köln", "Mumbai", "Mysuru", "Neverwhere"], None),
        ] {
            let found = neighbours(wanted, None, &served(&cities));
            assert_eq!(found.order[..order.len()], *order, "{wanted}");
            assert_eq!(found.order.len(), cities.len(), "{wanted}");
            assert_eq!(found.same.as_deref(), same, "{wanted}");
            assert!(found.statement.starts_with(&format!("the city {wanted}: ")));
        }
    }

    #[test]
    fn the_statement_tells_spelling_and_distance() {
        let cities = served(&[("Bengaluru", Some((12.97, 77.59))), ("Mysuru", None)]);
        assert_eq!(
            neighbours("Bangalore", None, &cities).statement,
            "the city Bangalore: none of the wanted services is offered there; its vendors call \
             it Bengaluru; nearest in spelling: Bengaluru; nearest in distance: Bengaluru (0 km), \
             Mysuru (127 km)"
        );
        let here = Some(GeoPoint { lat: 13.97, lon: 77.59 });
        assert_eq!(
            neighbours("Ownham", here, &cities).statement,
            "the city Ownham: none of the wanted services is offered there; nearest in distance: \
             Bengaluru (111 km), Mysuru (212 km)"
        );
        assert_eq!(neighbours("Ownham", None, &[]).order, Vec::<String>::new());
    }
}
