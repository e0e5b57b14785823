//! What a city of sample vendors is like: where it lies, what is paid with, at which level.

use super::places::{areas_around, is_invented};
use model::{
    Area, Currency, FieldErrors, GeoPoint, KnownCity, alike, known_cities, known_city, tidy_name,
};

const NAME_MAX_CHARS: usize = 200;
/// Of the sample's own country.
const PHONE: &str = "91";

/// A city's side of its vendors.
pub(crate) struct Site {
    pub city: String,
    pub areas: Vec<Area>,
    pub currency: Currency,
    /// What costs a rupee in Bengaluru, in units of the currency.
    pub price_level: f64,
    /// Calling code, without the plus.
    pub phone: &'static str,
}

impl Site {
    /// A real city's own facts, with what is given in their place; an unknown city is an Indian
    /// one but for what is given.
    pub(crate) fn of(city: &str, currency: Option<Currency>, near: Option<GeoPoint>) -> Self {
        let known = known_city(city);
        let paid = currency.or(known.map(|known| known.currency)).unwrap_or(Currency::INR);
        let own_level = known.filter(|known| known.currency == paid).map(|known| known.price_level);
        let phone = match (known, currency, near) {
            (Some(known), ..) => known.phone,
            (None, None, None) => PHONE,
            (None, ..) => phone_of(paid, near),
        };
        Self {
            city: tidy_name(city).into_owned(),
            areas: areas_around(city, near.or(known.map(|known| known.centre))),
            currency: paid,
            price_level: own_level.unwrap_or_else(|| usual_level(paid)),
            phone,
        }
    }
}

/// The areas of a city of sample vendors, always the same for one name.
pub fn areas(city: &str) -> Vec<Area> {
    Site::of(city, None, None).areas
}

/// The middle one of the levels of the cities that pay with it; 1 where none is known.
fn usual_level(currency: Currency) -> f64 {
    let paying = known_cities().iter().filter(|city| city.currency == currency);
    let mut levels: Vec<f64> = paying.map(|city| city.price_level).collect();
    levels.sort_by(f64::total_cmp);
    levels.get(levels.len() / 2).copied().unwrap_or(1.0)
}

/// That of the nearest city that pays with it, or of the first one in the table; the sample's
/// own where no city does.
fn phone_of(currency: Currency, near: Option<GeoPoint>) -> &'static str {
    let paying = known_cities().iter().filter(|city| city.currency == currency);
    let far = |city: &KnownCity| near.map_or(0.0, |near| near.distance_km(city.centre));
    let nearest = paying.min_by(|a, b| far(a).total_cmp(&far(b)));
    nearest.map_or(PHONE, |city| city.phone)
}

/// Whether enough is known of every named city.
///
/// # Errors
/// `cities[i]` for a name that is empty, too long, or of no city that is known, where its
/// currency and place are not given; `near` where several cities would lie there.
pub fn check_sites(
    cities: &[String],
    currency: Option<Currency>,
    near: Option<GeoPoint>,
) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    for (i, city) in cities.iter().enumerate() {
        let (field, name) = (format!("cities[{i}]"), tidy_name(city));
        let chars = name.chars().count();
        if name.is_empty() {
            errors.push(field, "is empty", "name a city");
        } else if chars > NAME_MAX_CHARS {
            let hint = format!("shorten it to {NAME_MAX_CHARS} characters at most");
            errors.push(field, format!("has {chars} characters"), hint);
        } else if known_city(&name).is_none()
            && !is_invented(&name)
            && (currency.is_none() || near.is_none())
        {
            let known = known_cities().iter();
            let spellings = known.flat_map(|city| city.names().map(|name| (city.name, name)));
            let meant = match alike(&name, spellings).join(", ") {
                none if none.is_empty() => String::new(),
                names => format!("; nearest in spelling: {names}"),
            };
            let hint = "say what is paid with there and where it lies: --currency CODE --near \
                        LAT,LON (`currency` and `near`), or name a known city";
            errors.push(field, format!("`{name}` is no city that is known here{meant}"), hint);
        }
    }
    if near.is_some() && cities.len() != 1 {
        let hint = "name one city with --city, or leave --near out";
        errors.push("near", "says where one city lies", hint);
    }
    errors.into_result(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GenerateOptions, generate};

    fn site(city: &str, currency: Option<&str>, near: Option<(f64, f64)>) -> Site {
        let near = near.map(|(lat, lon)| GeoPoint { lat, lon });
        Site::of(city, currency.map(|code| code.parse().unwrap()), near)
    }

    #[test]
    fn real_cities_bring_their_own_facts_and_what_is_given_wins() {
        let near_oslo = Some((59.9, 10.7));
        for (city, currency, near, expected) in [
            ("Bengaluru", None, None, ("INR", "91", 12.97)),
            ("Bangalore", None, None, ("INR", "91", 12.97)),
            ("MU\u{308}NCHEN", None, None, ("EUR", "49", 48.14)),
            ("Tokyo", None, None, ("JPY", "81", 35.68)),
            ("Kuwait City", None, None, ("KWD", "965", 29.38)),
            ("Tokyo", Some("USD"), None, ("USD", "81", 35.68)),
            ("Testville", Some("NOK"), near_oslo, ("NOK", "47", 59.9)),
            ("Testville", Some("EUR"), Some((52.5, 13.4)), ("EUR", "49", 52.5)),
        ] {
            let site = site(city, currency, near);
            assert_eq!((site.currency.code(), site.phone), (expected.0, expected.1), "{city}");
            assert!((site.areas[0].centre.lat - expected.2).abs() < 0.05, "{city}");
        }
        assert_eq!(site("Atlantis", Some("USD"), near_oslo).price_level, usual_level_of("USD"));
        assert_eq!(site("Mumbai", None, None).price_level, 1.0);
    }

    fn usual_level_of(code: &str) -> f64 {
        usual_level(code.parse().unwrap())
    }

    #[test]
    fn prices_fit_their_currency() {
        for (city, least, most) in
            [("Bengaluru", 300, 3_500), ("Berlin", 10, 120), ("Tokyo", 1_500, 16_000)]
        {
            let options = GenerateOptions {
                count: 400,
                seed: 1,
                cities: vec![city.to_owned()],
                categories: vec!["caterer".to_owned()],
                currency: None,
                near: None,
                as_of: jiff::civil::date(2026, 11, 1),
            };
            for vendor in generate(&options) {
                let line = &vendor.pricing[0];
                let known = known_city(city).unwrap();
                assert_eq!(line.currency, known.currency);
                assert_eq!(line.amount.decimals, line.currency.decimals());
                let whole = line.amount.minor / 10_i64.pow(u32::from(line.amount.decimals));
                assert!((least..=most).contains(&whole), "{city}: {}", line.amount);
                assert!(vendor.contact["phone"].starts_with(&format!("+{} ", known.phone)));
            }
        }
    }

    #[test]
    fn an_unknown_city_needs_its_currency_and_its_place() {
        let at = Some(GeoPoint { lat: 1.0, lon: 2.0 });
        let inr = Some(Currency::INR);
        let long = "x".repeat(201);
        for (cities, currency, near, refused) in [
            (&["Bengaluru", "Munich", "Ambapur"][..], None, None, None),
            (&["Testville"], inr, at, None),
            (&["Testville"], inr, None, Some("cities[0]")),
            (&["Kochi", "Testville"], None, None, Some("cities[1]")),
            (&["Kochi", "Pune"], None, at, Some("near")),
            (&[], None, at, Some("near")),
            (&["\u{200b} "], inr, at, Some("cities[0]")),
            (&[&long], inr, at, Some("cities[0]")),
        ] {
            let cities: Vec<String> = cities.iter().map(|&city| city.to_owned()).collect();
            let found = check_sites(&cities, currency, near).err();
            let field = found.as_ref().map(|errors| errors.0[0].field.as_str());
            assert_eq!(field, refused, "{cities:?}: {found:?}");
        }
        let error = check_sites(&["Kochin".to_owned()], None, None).unwrap_err().to_string();
        for part in ["nearest in spelling: Kochi", "--currency", "--near"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
