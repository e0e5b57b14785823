//! Sample vendors: invented, the same for one seed on every machine, and shaped like real ones.
//!
//! A hidden quality drives rating, prices and the words of the description, so that a plan has
//! to weigh them against each other. Of the venues 45 % allow their own kitchen only, 25 % both.

pub(crate) mod draws;
pub(crate) mod names;
pub(crate) mod places;
pub(crate) mod prices;
pub(crate) mod sites;
pub(crate) mod trades;

use std::collections::BTreeMap;

use draws::Draws;
use jiff::{ToSpan, civil};
use names::{description, name};
use places::point;
use sites::Site;
use trades::fill_trade;

use model::{
    Area, Category, Currency, GeoPoint, Percent, Source, Vendor, VendorId, Weekday,
    vocabulary::STYLES,
};

/// The categories of the sample vendors, and how many of 50 vendors each holds.
const MIX: [(&str, usize); 8] = [
    ("venue", 11),
    ("caterer", 10),
    ("photographer", 7),
    ("makeup_artist", 6),
    ("florist", 4),
    ("music", 4),
    ("decorator", 4),
    ("transport", 4),
];
/// What a category that is not in [`MIX`] counts.
const OTHER_SHARE: usize = 4;

/// Letters of a city's or category's name that an id shows.
const SLUG_MAX_CHARS: usize = 30;
/// Days after `as_of` in which a vendor's blackout dates lie.
const BLACKOUT_DAYS: usize = 540;

#[derive(Clone, Debug)]
pub struct GenerateOptions {
    pub count: usize,
    pub seed: u64,
    /// Any names; vendors go round them. None stands for Bengaluru, Mumbai and Kochi.
    pub cities: Vec<String>,
    /// Any names. None stands for the eight categories of the sample.
    pub categories: Vec<String>,
    /// Of all prices; else the city's, where it is a real one, else rupees.
    pub currency: Option<Currency>,
    /// Where the city lies; else where the real one does.
    pub near: Option<GeoPoint>,
    /// The day of the records' source; blackout dates follow it.
    pub as_of: civil::Date,
}

/// What stands behind a vendor: drawn first, then told by its fields.
pub(super) struct Character {
    /// Uniform in 0..1, hidden.
    pub quality: f64,
    pub styles: Vec<String>,
    /// What the primary style does to prices.
    pub style_factor: f64,
    pub area: Area,
}

/// Makes the vendors one by one; the first `n` are the same for every `count` of at least `n`.
pub fn generate(options: &GenerateOptions) -> impl Iterator<Item = Vendor> + use<> {
    let or_default = |given: &[String], default: &[&str]| -> Vec<String> {
        let given = if given.is_empty() { None } else { Some(given.to_vec()) };
        given.unwrap_or_else(|| default.iter().map(|name| (*name).to_owned()).collect())
    };
    let cities = or_default(&options.cities, &["Bengaluru", "Mumbai", "Kochi"]);
    let categories = or_default(&options.categories, &MIX.map(|(name, _)| name));
    let order = category_order(&categories);
    let sites: Vec<Site> =
        cities.iter().map(|city| Site::of(city, options.currency, options.near)).collect();
    let (seed, as_of) = (options.seed, options.as_of);
    (0..options.count).map(move |index| {
        let site = &sites[index % sites.len()];
        let category = &order[index / sites.len() % order.len()];
        let draws = Draws::new(seed, index as u64);
        Maker { draws, category, as_of }.vendor(index, site)
    })
}

/// The sequence in which categories are drawn, spread evenly by their shares.
fn category_order(categories: &[String]) -> Vec<String> {
    let share = |name: &str| MIX.iter().find(|(n, _)| *n == name).map_or(OTHER_SHARE, |(_, s)| *s);
    // Each category's k-th turn of s comes at (2k + 1) / 2s of the way; compared crosswise.
    let mut turns: Vec<(usize, usize, usize)> = Vec::new();
    for (position, name) in categories.iter().enumerate() {
        turns.extend((0..share(name)).map(|k| (2 * k + 1, share(name), position)));
    }
    turns.sort_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)).then(a.2.cmp(&b.2)));
    turns.into_iter().map(|(_, _, position)| categories[position].clone()).collect()
}

struct Maker<'a> {
    draws: Draws,
    category: &'a str,
    as_of: civil::Date,
}

impl Maker<'_> {
    fn vendor(mut self, index: usize, site: &Site) -> Vendor {
        let character = self.character(&site.areas);
        let category = self.category;
        let id = format!("{}-{}-{:06}", slug(category), slug(&site.city), index + 1);
        let name = name(&mut self.draws, category);
        let centre = character.area.centre;
        let lat = centre.lat + self.draws.between(-0.012, 0.012);
        let lon = centre.lon + self.draws.between(-0.012, 0.012);
        let stars = 3.0 + 1.9 * character.quality + 0.15 * self.draws.normal();
        let rating = (stars.clamp(2.0, 5.0) * 10.0).round() / 10.0;
        let description = description(&mut self.draws, category, &character);
        let mut vendor = Vendor {
            contact: contact(&id, site.phone, index),
            area: Some(character.area.name.clone()),
            location: Some(point(lat, lon)),
            rating: self.draws.chance(0.92).then_some(rating),
            description: Some(description),
            styles: character.styles.clone(),
            lead_days: [2, 3, 5, 7, 10, 14, 21, 30, 45][self.draws.below(9)],
            blackout_dates: self.blackout_dates(),
            tax: Percent::from_whole(18),
            source: Some(Source { name: "generated sample".to_owned(), as_of: self.as_of }),
            ..Vendor::new(VendorId::new(&id), Category::new(category), name, site.city.clone())
        };
        if category != "venue" && self.draws.chance(0.12) {
            let day = 1 + self.draws.below(4) as i8;
            vendor.closed_weekdays.extend(Weekday::from_iso(day));
        }
        fill_trade(&mut self.draws, &character, site, &mut vendor);
        vendor
    }

    fn character(&mut self, areas: &[Area]) -> Character {
        let quality = self.draws.unit();
        let primary = self.draws.below(STYLES.len());
        let mut styles = vec![STYLES[primary].to_owned()];
        if self.draws.chance(0.6) {
            let second = self.draws.pick(&STYLES).to_owned();
            styles.extend((second != styles[0]).then_some(second));
        }
        let style_factor = match STYLES[primary] {
            "royal" => 1.15,
            "vintage" | "beach" => 1.05,
            "rustic" | "minimalist" => 0.92,
            _ => 1.0,
        };
        let area = areas[self.draws.below(areas.len())].clone();
        Character { quality, styles, style_factor, area }
    }

    fn blackout_dates(&mut self) -> Vec<civil::Date> {
        let count = self.draws.below(7).saturating_sub(2);
        let mut days: Vec<i64> =
            (0..count).map(|_| 1 + self.draws.below(BLACKOUT_DAYS) as i64).collect();
        days.sort_unstable();
        days.dedup();
        days.into_iter().map(|day| self.as_of.saturating_add(day.days())).collect()
    }
}

/// Addresses under example.com and numbers that reach nobody.
fn contact(id: &str, phone: &str, index: usize) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("email".to_owned(), format!("{id}@example.com")),
        ("phone".to_owned(), format!("+{phone} 00000 {:05}", index % 100_000)),
    ])
}

/// Lowercase letters and digits, other signs as one hyphen.
fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in text.trim().chars().take(SLUG_MAX_CHARS).flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            slug.push(c);
        } else if !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{reader, write};
    use model::CateringPolicy;
    use wire::ImportFormat;

    fn options(count: usize, seed: u64) -> GenerateOptions {
        let (cities, categories) = (Vec::new(), Vec::new());
        let (currency, near, as_of) = (None, None, civil::date(2026, 11, 1));
        GenerateOptions { count, seed, cities, categories, currency, near, as_of }
    }

    #[test]
    fn vendors_pass_the_readers_checks_through_every_format() {
        let cities = ["Kochi", "Žďár nad Sázavou", "X"].map(str::to_owned).to_vec();
        let mut some = options(800, 5);
        some.cities = cities;
        some.categories =
            MIX.iter().map(|(n, _)| *n).chain(["fireworks"]).map(str::to_owned).collect();
        let vendors: Vec<Vendor> = generate(&some).collect();
        for format in [ImportFormat::Json, ImportFormat::Ndjson, ImportFormat::Csv] {
            let mut file = Vec::new();
            write(format, &vendors, &mut file).unwrap();
            let read: Vec<Vendor> =
                reader(format, &file[..]).map(|row| row.result.unwrap()).collect();
            assert!(read == vendors, "{format:?}");
        }
    }

    #[test]
    fn a_seed_and_an_index_make_a_vendor() {
        let few: Vec<Vendor> = generate(&options(60, 1)).collect();
        let more: Vec<Vendor> = generate(&options(90, 1)).take(60).collect();
        assert!(few == more);
        let other: Vec<Vendor> = generate(&options(60, 2)).collect();
        assert!(few.iter().zip(&other).all(|(a, b)| a.name != b.name || a.pricing != b.pricing));
    }

    #[test]
    fn the_mix_is_as_documented() {
        let vendors: Vec<Vendor> = generate(&options(15_000, 3)).collect();
        let of = |name: &str| vendors.iter().filter(|v| v.category.as_str() == name).count();
        for (category, share) in MIX {
            assert_eq!(of(category), 15_000 * share / 50, "{category}");
        }
        let venues = of("venue") as f64;
        for (policy, share) in [
            (CateringPolicy::InHouse, 0.45),
            (CateringPolicy::Both, 0.25),
            (CateringPolicy::Outside, 0.3),
        ] {
            let count = vendors.iter().filter(|v| v.policies.is_some() && v.catering() == policy);
            let found = count.count() as f64 / venues;
            assert!((found - share).abs() < 0.03, "{policy:?}: {found}");
        }
    }

    #[test]
    fn quality_costs_money() {
        let vendors: Vec<Vendor> = generate(&options(6_000, 4)).collect();
        let plate = |v: &&Vendor| v.category.as_str() == "caterer" && v.rating.is_some();
        let (mut good, mut plain): (Vec<i64>, Vec<i64>) = Default::default();
        for vendor in vendors.iter().filter(plate) {
            let side = if vendor.rating >= Some(4.3) { &mut good } else { &mut plain };
            side.push(vendor.pricing[0].amount.minor);
        }
        let mean = |prices: &[i64]| prices.iter().sum::<i64>() / prices.len() as i64;
        assert!(mean(&good) * 10 > mean(&plain) * 12, "{} {}", mean(&good), mean(&plain));
    }
}
