//! What of a vendor's record an option's constraints and day depend on, in words: kept with the
//! plan, and compared with the present record when the option is selected.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};

use super::{
    constraints::needed_window,
    input::{CATERER, PlanningInput, VENUE},
};
use crate::matching::tags::{has_key, tag_key};
use model::{
    CategoryDef, CateringPolicy, HouseRule, PlanOption, Request, Vendor, VendorBasis, VendorChange,
    Weekday, name_key,
};

/// Days of a vendor's presence that are looked at; an event lasts a fortnight at most.
const DAYS_MAX: usize = 32;
/// The category that a venue without decor rules out.
const DECORATOR: &str = "decorator";

/// The bases of all vendors of these options, each vendor once, by id.
pub fn of_options(input: &PlanningInput<'_>, options: &[PlanOption]) -> Vec<VendorBasis> {
    let mut chosen: BTreeMap<_, &CategoryDef> = BTreeMap::new();
    for place in options.iter().flat_map(|option| &option.vendors).filter(|p| !p.in_house) {
        let def = input.categories.iter().find(|def| def.name == place.category);
        chosen.extend(def.map(|def| (&place.id, def)));
    }
    let mut bases = BTreeMap::new();
    for sourced in input.vendors {
        if let Some(def) = chosen.get(&sourced.vendor.id) {
            let basis = basis(input.request, def, &sourced.vendor);
            bases.insert(&sourced.vendor.id, basis);
        }
    }
    bases.into_values().collect()
}

/// What the constraints and the day of a request depend on. Lists of days count as far as they
/// touch the days of the vendor's presence, tags as far as they serve a dietary need: what is
/// beyond that makes no difference to the event.
pub fn basis(request: &Request, def: &CategoryDef, vendor: &Vendor) -> VendorBasis {
    let mut facts = Facts::default();
    facts.set("category", Some(vendor.category.to_string()));
    facts.set("city", Some(name_key(&vendor.city).into_owned()));
    facts.set("currency", vendor.currency().map(|currency| currency.to_string()));
    let capacity = vendor.capacity.unwrap_or_default();
    facts.set("capacity.min", capacity.min.map(|guests| guests.to_string()));
    facts.set("capacity.max", capacity.max.map(|guests| guests.to_string()));
    facts.set("lead_days", Some(vendor.lead_days.to_string()));
    let days = days_of_presence(request, def, vendor);
    let closed = |day: &&Date| vendor.closed_weekdays.contains(&Weekday(day.weekday()));
    let mut closed: Vec<Weekday> =
        days.iter().filter(closed).map(|day| Weekday(day.weekday())).collect();
    closed.sort_by_key(|day| day.iso());
    closed.dedup();
    facts.set("closed_weekdays", joined(closed));
    let black = days.iter().filter(|day| vendor.blackout_dates.contains(day));
    facts.set("blackout_dates", joined(black));
    facts.set("setup_minutes", Some(vendor.setup_minutes.to_string()));
    facts.set("teardown_minutes", Some(vendor.teardown_minutes.to_string()));
    facts.set("max_hours", vendor.max_hours.map(|hours| hours.to_string()));
    facts.set("location", vendor.location.map(|at| format!("{},{}", at.lat, at.lon)));
    if name_key(&vendor.city) != name_key(&request.city) {
        facts.set("service_radius_km", vendor.service_radius_km.map(|km| km.to_string()));
    }
    if def.name.as_str() == VENUE {
        house_facts(&mut facts, request, vendor);
    }
    if matches!(def.name.as_str(), VENUE | CATERER) && !request.preferences.dietary.is_empty() {
        let has = |need: &&String| vendor.tags.iter().any(|tag| has_key(tag, &tag_key(need)));
        facts.set("tags", joined(request.preferences.dietary.iter().filter(has)));
    }
    VendorBasis { id: vendor.id.clone(), facts: facts.0 }
}

/// The fields in which a present record differs from what an option was made of, by name.
/// `place` names the place, the vendor and its name.
pub fn differences(
    before: &VendorBasis,
    now: &VendorBasis,
    place: &VendorChange,
) -> Vec<VendorChange> {
    let changed = before.facts.iter().filter_map(|(field, old)| {
        // What this version no longer looks at says nothing.
        let new = now.facts.get(field)?;
        (new != old).then(|| VendorChange {
            field: field.clone(),
            old: old.clone(),
            new: new.clone(),
            ..place.clone()
        })
    });
    changed.collect()
}

fn house_facts(facts: &mut Facts, request: &Request, venue: &Vendor) {
    let policies = venue.policies.clone().unwrap_or_default();
    let catering = match venue.catering() {
        CateringPolicy::InHouse => "in_house",
        CateringPolicy::Outside => "outside",
        CateringPolicy::Both => "both",
    };
    facts.set("policies.catering", Some(catering.to_owned()));
    let time = |at: Option<Time>| at.map(|at| at.strftime("%H:%M").to_string());
    facts.set("policies.music_until", time(policies.music_until));
    facts.set("policies.open_from", time(policies.open_from));
    facts.set("policies.open_until", time(policies.open_until));
    if request.services.keys().any(|category| category.as_str() == DECORATOR) {
        let decor = policies.decor.map(|rule| match rule {
            HouseRule::Allowed(allowed) => allowed.to_string(),
            HouseRule::Text(text) => text,
        });
        facts.set("policies.decor", decor);
    }
}

/// The local days on which the vendor is on the spot, from setup to teardown.
fn days_of_presence(request: &Request, def: &CategoryDef, vendor: &Vendor) -> Vec<Date> {
    let window = needed_window(request, def, vendor);
    let zone = request.time.zone();
    let first = window.start.to_zoned(zone.clone()).date();
    let last = window.end.to_zoned(zone).date();
    let next = |day: &Date| day.tomorrow().ok();
    std::iter::successors(Some(first), next).take_while(|day| *day <= last).take(DAYS_MAX).collect()
}

#[derive(Default)]
struct Facts(BTreeMap<String, Option<String>>);

impl Facts {
    fn set(&mut self, field: &str, value: Option<String>) {
        self.0.insert(field.to_owned(), value);
    }
}

/// `None` for an empty list.
fn joined<T: ToString>(items: impl IntoIterator<Item = T>) -> Option<String> {
    let words: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    (!words.is_empty()).then(|| words.join(", "))
}
