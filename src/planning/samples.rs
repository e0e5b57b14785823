//! Small requests, vendors and areas for the tests of this room.

use std::collections::BTreeMap;

use jiff::civil;
use proptest::prelude::*;

use crate::{domain::input::PlanningInput, fitness::budget::default_shares};
use model::{
    Amount, Anchor, Area, AreaMap, Basis, BookedSlot, Budget, Capacity, Category, CategoryDef,
    CateringPolicy, Client, Currency, EventTime, EventType, GeoPoint, HouseRule, MealOption,
    Percent, Policies, Preferences, PriceLine, Request, Requirements, Service, Shares, Sourced,
    Strategy as BudgetStrategy, Vendor, VendorId, Wants, Weekday, Window,
};

pub(crate) const TODAY: civil::Date = civil::date(2026, 12, 1);

/// An owned input, to change at will before it is borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub request: Request,
    pub requirements: Requirements,
    pub categories: Vec<CategoryDef>,
    pub areas: AreaMap,
    pub shares: Vec<Shares>,
    pub vendors: Vec<Sourced>,
}

impl Case {
    /// A request of 100 guests and 10,000.00 INR without contingency for the named categories.
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut request = request();
        let service = Service { required: true, weight: 1.0, quantity: 1 };
        request.services = names.iter().map(|name| (Category::new(name), service)).collect();
        let mut categories = defs();
        categories.retain(|def| names.contains(&def.name.as_str()));
        let requested: Vec<Category> = categories.iter().map(|def| def.name.clone()).collect();
        let shares = BudgetStrategy::ALL
            .map(|strategy| default_shares(EventType::Wedding, &requested, strategy));
        Self {
            request,
            requirements: Requirements::default(),
            categories,
            areas: areas(),
            shares: shares.to_vec(),
            vendors: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, vendors: impl IntoIterator<Item = Vendor>) -> Self {
        self.vendors.extend(vendors.into_iter().map(|vendor| Sourced { vendor, busy: vec![] }));
        self
    }

    pub(crate) fn input(&self) -> PlanningInput<'_> {
        PlanningInput {
            request: &self.request,
            requirements: &self.requirements,
            categories: &self.categories,
            areas: &self.areas,
            shares: &self.shares,
            vendors: (&self.vendors).into(),
            today: TODAY,
        }
    }
}

pub(crate) fn inr() -> Currency {
    "INR".parse().unwrap()
}

/// In minor units.
pub(crate) fn amount(minor: i64) -> Amount {
    Amount::new(minor, 2)
}

pub(crate) fn request() -> Request {
    Request {
        client: Client { name: "A. Client".into(), email: None, phone: None },
        event_type: EventType::Wedding,
        // A Saturday.
        time: EventTime {
            date: civil::date(2027, 2, 20),
            start: civil::time(16, 0, 0, 0),
            time_zone: "Asia/Kolkata".into(),
            minutes: 480,
        },
        city: "Bengaluru".into(),
        guests: 100,
        budget: Budget { amount: amount(1_000_000), currency: inr() },
        contingency: Percent::default(),
        services: BTreeMap::new(),
        preferences: Preferences::default(),
        vision: String::new(),
        must_include: vec![],
        exclude: vec![],
        anchors: vec![],
        functions: vec![],
        seed: 0,
    }
}

pub(crate) fn defs() -> Vec<CategoryDef> {
    let def =
        |(position, (name, wants, lead_minutes)): (usize, (&str, &[Wants], u32))| CategoryDef {
            name: Category::new(name),
            position: position as i32,
            wants: wants.to_vec(),
            lead_minutes,
        };
    let rows: [(&str, &[Wants], u32); 6] = [
        ("venue", &[Wants::Styles, Wants::Amenities, Wants::VenueTypes], 0),
        ("caterer", &[Wants::Cuisines], 0),
        ("photographer", &[Wants::Styles, Wants::Video], 0),
        ("makeup_artist", &[Wants::Styles], 240),
        ("florist", &[Wants::Styles], 0),
        ("decorator", &[Wants::Styles], 0),
    ];
    rows.into_iter().enumerate().map(def).collect()
}

/// Two areas some 11 km apart, a third one 111 km away, and another city.
pub(crate) fn areas() -> AreaMap {
    let area = |city: &str, name: &str, lat, lon| Area {
        city: city.into(),
        name: name.into(),
        centre: GeoPoint { lat, lon },
    };
    AreaMap::new([
        area("Bengaluru", "North", 13.0, 77.6),
        area("Bengaluru", "South", 12.9, 77.6),
        area("Bengaluru", "Far", 14.0, 77.6),
        area("Mysuru", "Centre", 12.3, 76.64),
    ])
}

pub(crate) fn line(basis: Basis, minor: i64) -> PriceLine {
    PriceLine { label: "price".into(), basis, amount: amount(minor), currency: inr(), option: None }
}

pub(crate) fn meal(option: MealOption, minor: i64) -> PriceLine {
    PriceLine { option: Some(option), ..line(Basis::PerGuest, minor) }
}

/// A vendor in Bengaluru North for a flat 1,000.00 INR, without any limit or quality.
pub(crate) fn vendor(id: &str, category: &str) -> Vendor {
    let name = format!("{category} {id}");
    Vendor {
        area: Some("North".into()),
        pricing: vec![line(Basis::Flat, 100_000)],
        ..Vendor::new(id.into(), category.into(), name, "Bengaluru".into())
    }
}

/// A venue with a policy, a flat rental and, unless `Outside`, plates at 10.00 INR per guest.
pub(crate) fn venue(id: &str, policy: CateringPolicy) -> Vendor {
    let mut venue = vendor(id, "venue");
    venue.policies = Some(Policies { catering: Some(policy), ..Policies::default() });
    if policy != CateringPolicy::Outside {
        venue.pricing.push(line(Basis::PerGuest, 1_000));
    }
    venue
}

/// A request of 1–6 categories with up to `per_category` vendors each, of every kind: policies,
/// styles, areas, sizes, closed days, bookings, diets, prices around the budget.
pub(crate) fn any_case(per_category: usize) -> impl Strategy<Value = Case> {
    let vendors = proptest::collection::vec(any_vendor(), 1..=per_category * 6);
    (1_u32..64, any_request(), vendors).prop_map(|(mask, request, vendors)| {
        let all = defs();
        let names: Vec<&str> =
            (0..6).filter(|i| mask & (1 << i) != 0).map(|i| all[i].name.as_str()).collect();
        let mut case = Case::of(&names);
        let services = std::mem::take(&mut case.request.services);
        case.request = request;
        for (i, (name, service)) in services.into_iter().enumerate() {
            // One service at least is required; the others follow the seed's bits.
            let required = i == 0 || case.request.seed & (1 << i) != 0;
            let weight = 1.0 + (case.request.seed >> i & 3) as f64;
            case.request.services.insert(name, Service { required, weight, ..service });
        }
        case.requirements.keywords = crate::matching::keywords::stems(&case.request.vision);
        let numbered = vendors.into_iter().enumerate().map(|(i, mut sourced)| {
            sourced.vendor.id = VendorId::new(format!("v{i:02}"));
            sourced
        });
        case.vendors = numbered.collect();
        case
    })
}

/// The same with what binds an event in time, closing times and longest stays, with anchors, and
/// with vendors that must be there or must not.
pub(crate) fn any_timed_case(per_category: usize) -> impl Strategy<Value = Case> {
    let clock = |hours: &'static [i8]| {
        let times = hours.iter().map(|&hour| civil::time(hour, 0, 0, 0)).collect::<Vec<_>>();
        proptest::option::of(proptest::sample::select(times))
    };
    let of_vendor = (clock(&[9, 14]), clock(&[20, 22, 23, 1]), clock(&[20, 22, 23]), 0_u8..24);
    let of_vendors = proptest::collection::vec(of_vendor, per_category * 5);
    let length = proptest::sample::select(vec![180_u32, 300, 480, 600]);
    let anchors = proptest::sample::subsequence(vec![("ceremony", 17), ("dinner", 20)], 0..=2);
    let start = proptest::sample::select(vec![10, 14, 16, 17]);
    let named = (0_usize..12, 0_usize..12);
    (any_case(per_category), of_vendors, length, start, anchors, named).prop_map(
        |(mut case, of_vendors, minutes, start, anchors, (must, never))| {
            for (sourced, (from, until, music, hours)) in case.vendors.iter_mut().zip(of_vendors) {
                let vendor = &mut sourced.vendor;
                vendor.max_hours = (hours < 8).then(|| 1.5 + f64::from(hours));
                if vendor.category.as_str() == "venue" {
                    let policies = vendor.policies.get_or_insert_default();
                    (policies.open_from, policies.open_until) = (from, until);
                    policies.music_until = music;
                }
            }
            let request = &mut case.request;
            (request.time.start, request.time.minutes) = (civil::time(start, 0, 0, 0), minutes);
            request.anchors = anchors
                .into_iter()
                .map(|(activity, hour)| Anchor {
                    activity: activity.into(),
                    at: civil::time(hour, 0, 0, 0),
                    location: None,
                })
                .collect();
            let id = |place: usize| case.vendors.get(place).map(|s| s.vendor.id.clone());
            request.must_include = id(must).into_iter().collect();
            request.exclude = id(never).into_iter().filter(|_| must != never).collect();
            case
        },
    )
}

fn any_request() -> impl Strategy<Value = Request> {
    let preferences = (any_words(&STYLES), any_words(&["italian", "thai"]), any_words(&DIETS));
    let vision = any_words(&["rustic garden", "jazz", "sea view"]);
    (1_u32..200, 100_000_i64..6_000_000, 0_u32..2_000, preferences, vision, any::<u64>()).prop_map(
        |(guests, budget, contingency, (styles, cuisines, dietary), vision, seed)| Request {
            guests,
            budget: Budget { amount: amount(budget), currency: inr() },
            contingency: Percent { basis_points: contingency },
            preferences: Preferences {
                styles,
                cuisines,
                dietary,
                amenities: (seed % 4 == 0).then(|| "open bar".into()).into_iter().collect(),
                ..Preferences::default()
            },
            vision: vision.join(" "),
            seed,
            ..request()
        },
    )
}

const STYLES: [&str; 3] = ["rustic", "modern", "open-air"];
const DIETS: [&str; 3] = ["vegetarian", "halal", "jain"];

fn any_words(words: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    proptest::sample::subsequence(words, 0..=words.len().min(2))
        .prop_map(|list| list.into_iter().map(str::to_owned).collect())
}

fn any_vendor() -> impl Strategy<Value = Sourced> {
    let names = [
        "venue",
        "venue",
        "venue",
        "caterer",
        "caterer",
        "photographer",
        "makeup_artist",
        "florist",
        "decorator",
    ];
    let place = (
        proptest::sample::select(vec!["Bengaluru", "bengaluru", "Bengaluru", "Mysuru"]),
        proptest::option::of(proptest::sample::select(vec!["North", "South", "Far", "Nowhere"])),
        proptest::option::of((12.0..14.5_f64).prop_map(|lat| GeoPoint { lat, lon: 77.5 })),
        proptest::option::of(0.0..200.0_f64),
    );
    let kind = (
        proptest::sample::select(names.to_vec()),
        proptest::sample::select(vec![
            CateringPolicy::InHouse,
            CateringPolicy::Outside,
            CateringPolicy::Both,
        ]),
        any_words(&STYLES),
        any_words(&["halal", "Jain", "thai", "garden", "vegetarian"]),
        proptest::option::of(0.0..=5.0_f64),
    );
    let limits = (
        proptest::option::of(0_u32..40),
        proptest::option::of(1_u32..150),
        proptest::option::of(100_u32..250),
        0_u32..90,
        0_u8..8,
        0_u8..8,
        0_u32..300,
    );
    let prices = (
        1_i64..400_000,
        proptest::option::of(1_i64..40_000),
        proptest::option::of(1_i64..4_000),
        proptest::option::of(1_i64..4_000),
        0_u32..2_000,
        0_u32..2_000,
    );
    (place, kind, limits, prices).prop_map(|(place, kind, limits, prices)| {
        let mut made = vendor("", kind.0);
        (made.city, made.area) = (place.0.into(), place.1.map(Into::into));
        (made.location, made.service_radius_km) = (place.2, place.3);
        (made.styles, made.tags, made.rating) = (kind.2, kind.3, kind.4);
        made.capacity = Some(Capacity { min: limits.0, ideal: limits.1, max: limits.2 });
        made.lead_days = limits.3;
        made.closed_weekdays = Weekday::from_iso(limits.4 as i8).into_iter().collect();
        made.setup_minutes = limits.6;
        // The event ends at midnight: some clear away on the next day.
        made.teardown_minutes = prices.4 % 3 * 30;
        made.tax = Percent { basis_points: prices.4 };
        made.service_charge = Percent { basis_points: prices.5 };
        let extra = [
            prices.1.map(|minor| line(Basis::PerHour, minor)),
            prices.2.map(|minor| meal(MealOption::Veg, minor)),
            prices.3.map(|minor| meal(MealOption::NonVeg, minor)),
        ];
        made.pricing = vec![line(Basis::Flat, prices.0)];
        made.pricing.extend(extra.into_iter().flatten());
        if made.category.as_str() == "venue" {
            let catering = Some(kind.1);
            let unless = |forbidden: bool| forbidden.then_some(HouseRule::Allowed(false));
            made.policies = Some(Policies {
                catering,
                decor: unless(prices.0 % 3 == 0),
                alcohol: unless(prices.0 % 5 == 0),
                ..Policies::default()
            });
            if kind.1 == CateringPolicy::InHouse {
                made.pricing.push(line(Basis::PerGuest, 500));
            }
        }
        if limits.5 == 1 {
            let foreign = "USD".parse().unwrap();
            made.pricing.iter_mut().for_each(|line| line.currency = foreign);
        }
        if limits.5 == 0 {
            made.blackout_dates = vec![civil::date(2027, 2, 20)];
        }
        // Booked on the morning of the event: in the way of those with a long setup.
        let morning: Window = Window {
            start: "2027-02-20T04:00:00Z".parse().unwrap(),
            end: "2027-02-20T08:00:00Z".parse().unwrap(),
        };
        let booked = BookedSlot { slot: 1, window: morning };
        let busy = if limits.5 <= 1 { vec![booked] } else { vec![] };
        Sourced { vendor: made, busy }
    })
}
