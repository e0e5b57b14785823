//! Some three hundred real cities, from `etc/cities.csv`: where they lie, what else they are
//! called, what is paid with there.

use std::{collections::HashMap, sync::LazyLock};

use crate::{Currency, GeoPoint, name_key, names::unaccented};

/// One city per line, below the names of the columns; no cell holds a comma.
const TABLE: &str = include_str!("../../../etc/cities.csv");

/// A real city.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownCity {
    /// As it is called there, in Latin letters.
    pub name: &'static str,
    /// ISO 3166, two letters.
    pub(crate) country: &'static str,
    pub currency: Currency,
    /// The country's calling code, without the plus.
    pub phone: &'static str,
    pub centre: GeoPoint,
    /// IANA time zone.
    pub zone: &'static str,
    /// What costs one rupee in Bengaluru, in units of `currency`: a rough level of an event's
    /// prices, for made-up vendors.
    pub price_level: f64,
    /// Other names: older ones, those of other languages, those without accents.
    pub aliases: Vec<&'static str>,
}

struct Gazetteer {
    cities: Vec<KnownCity>,
    /// Keys of names and aliases.
    by_key: HashMap<String, usize>,
    /// The same without accents, where that names one city only.
    by_plain_key: HashMap<String, Option<usize>>,
}

static GAZETTEER: LazyLock<Gazetteer> = LazyLock::new(|| {
    let cities: Vec<KnownCity> = TABLE.lines().skip(1).filter_map(read).collect();
    let (mut by_key, mut by_plain_key) = (HashMap::new(), HashMap::new());
    for (index, city) in cities.iter().enumerate() {
        for name in city.names() {
            let key = name_key(name).into_owned();
            let plain = by_plain_key.entry(unaccented(&key)).or_insert(Some(index));
            if *plain != Some(index) {
                *plain = None;
            }
            by_key.entry(key).or_insert(index);
        }
    }
    Gazetteer { cities, by_key, by_plain_key }
});

impl KnownCity {
    /// Its name, then the others.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// `None` for a line that is none of the table's; a test sees that there is no such line.
fn read(line: &'static str) -> Option<KnownCity> {
    let mut cells = line.split(',');
    let mut next = || cells.next();
    let (name, country) = (next()?, next()?);
    let (currency, phone) = (next()?.parse().ok()?, next()?);
    let centre = GeoPoint { lat: next()?.parse().ok()?, lon: next()?.parse().ok()? };
    let (zone, price_level) = (next()?, next()?.parse().ok()?);
    let aliases = next()?.split(';').filter(|alias| !alias.is_empty()).collect();
    let city = KnownCity { name, country, currency, phone, centre, zone, price_level, aliases };
    cells.next().is_none().then_some(city)
}

/// All of them, in the order of the file.
pub fn known_cities() -> &'static [KnownCity] {
    &GAZETTEER.cities
}

/// The city that a name, in any spelling of it, stands for; accents may be left out where that
/// leaves no doubt.
pub fn known_city(name: &str) -> Option<&'static KnownCity> {
    let key = name_key(name);
    let plain = || GAZETTEER.by_plain_key.get(&unaccented(&key)).copied().flatten();
    let index = GAZETTEER.by_key.get(&*key).copied().or_else(plain)?;
    GAZETTEER.cities.get(index)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::tidy_name;

    #[test]
    fn the_table_holds_what_it_promises() {
        let lines: Vec<&str> = TABLE.lines().collect();
        assert_eq!(lines[0], "name,country,currency,phone,lat,lon,zone,price_level,aliases");
        for line in &lines[1..] {
            assert!(read(line).is_some(), "{line}");
        }
        let cities = known_cities();
        assert!(cities.len() >= 200 && cities.len() == lines.len() - 1);
        let mut names: HashMap<String, &str> = HashMap::new();
        for city in cities {
            assert!(city.centre.is_valid(), "{city:?}");
            assert!(TimeZone::get(city.zone).is_ok(), "{city:?}");
            assert!(city.price_level > 0.0 && city.price_level.is_finite(), "{city:?}");
            let is_phone = city.phone.bytes().all(|b| b.is_ascii_digit());
            assert!(is_phone && (1..=4).contains(&city.phone.len()), "{city:?}");
            assert!(!city.phone.starts_with('0'), "{city:?}");
            let is_code = city.country.bytes().all(|b| b.is_ascii_uppercase());
            assert!(is_code && city.country.len() == 2, "{city:?}");
            for name in city.names() {
                assert_eq!(tidy_name(name), name);
                let key = unaccented(&name_key(name));
                // One that is its own alias without the accents is not needed.
                assert_eq!(names.insert(key, city.name), None, "{name}");
            }
        }
        // A country has one currency, and its cities lie in few zones.
        for one in cities {
            for other in cities.iter().filter(|other| other.country == one.country) {
                assert_eq!((one.currency, one.phone), (other.currency, other.phone));
            }
        }
    }

    #[test]
    fn cities_are_known_by_any_of_their_names() {
        for (written, known) in [
            ("Bangalore", Some("Bengaluru")),
            (" BOMBAY ", Some("Mumbai")),
            ("Munich", Some("München")),
            ("Mu\u{308}nchen", Some("München")),
            ("munchen", Some("München")),
            ("Cologne", Some("Köln")),
            ("Istanbul", Some("İstanbul")),
            ("Sao Paulo", Some("São Paulo")),
            ("GIESSEN", Some("Gießen")),
            ("東京", Some("Tokyo")),
            ("Atlantis", None),
            ("", None),
        ] {
            assert_eq!(known_city(written).map(|city| city.name), known, "{written}");
        }
        let tokyo = known_city("Tokyo").unwrap();
        assert_eq!((tokyo.currency.code(), tokyo.phone, tokyo.zone), ("JPY", "81", "Asia/Tokyo"));
    }
}
