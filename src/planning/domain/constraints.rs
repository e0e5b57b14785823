//! Hard constraints on a single vendor: whether it can serve the request at all.

use std::{cell::RefCell, collections::BTreeMap};

use jiff::{civil, tz::TimeZone};

use super::{
    input::{PlanningInput, VENUE},
    policies::{drinks_wanted, takes_alcohol},
    quote::{Scope, serves_only_meat},
    violation::{Violation, ViolationSet},
};
use crate::{
    engagement::Engagement,
    matching::{
        compatibility::AreaTable,
        tags::{has_key, tag_key},
    },
    timeline::{
        certain_refusal,
        refusals::alike::{Sight, Traits},
    },
};
use model::{
    Basis, Category, CategoryDef, GeoPoint, LocalDays, MealOption, Request, Sourced, Vendor,
    Weekday, Window, has_name_key, is_meatless_diet, name_key,
};

/// The time a vendor must be free: from its category's lead and its setup before the event to
/// its teardown after it; of several functions, from the first that needs it to the last one.
/// The same window is held when a plan is selected.
pub fn needed_window(request: &Request, def: &CategoryDef, vendor: &Vendor) -> Window {
    on_the_spot(request.window_of(&def.name), def, vendor)
}

/// From the first minute of lead and setup to the last one of teardown.
fn on_the_spot(served: Window, def: &CategoryDef, vendor: &Vendor) -> Window {
    let before = def.lead_minutes.saturating_add(vendor.setup_minutes);
    served.widened(before, vendor.teardown_minutes)
}

/// The request's side of every check, worked out once.
pub struct Rules<'a> {
    input: PlanningInput<'a>,
    city: String,
    city_centre: Option<GeoPoint>,
    days_ahead: i32,
    dietary: Vec<String>,
    /// Of a vendor alone.
    sight: Sight<'a>,
    /// By category's position: what the scheduler says of vendors that are alike to it.
    clashing: RefCell<BTreeMap<(i32, Traits), bool>>,
    zone: TimeZone,
    /// By category: when each of the parts that it serves takes place.
    served: BTreeMap<&'a Category, Vec<Window>>,
    wants_drinks: bool,
}

impl<'a> Rules<'a> {
    pub fn new(input: &PlanningInput<'a>, areas: &AreaTable) -> Self {
        let request = input.request;
        let served = input.categories.iter().map(|def| {
            let windows = request.parts_of(&def.name).map(|part| part.time.window());
            (&def.name, windows.collect())
        });
        Self {
            zone: request.time.zone(),
            served: served.collect(),
            wants_drinks: drinks_wanted(&request.preferences).next().is_some(),
            input: *input,
            city: name_key(&request.city).into_owned(),
            city_centre: areas.city_centre(&request.city),
            days_ahead: (request.time.date - input.today).get_days(),
            dietary: request.preferences.dietary.iter().map(|need| tag_key(need)).collect(),
            sight: Sight::of(request, std::iter::empty()),
            clashing: RefCell::default(),
        }
    }

    /// The constraints that the vendor breaks whatever its role.
    pub fn broken(&self, def: &CategoryDef, sourced: &Sourced) -> ViolationSet {
        let request = self.input.request;
        let vendor = &sourced.vendor;
        let capacity = vendor.capacity.unwrap_or_default();
        let foreign = vendor.pricing.iter().any(|l| l.currency != request.budget.currency);
        let parts = || request.parts_of(&def.name);
        let is_venue = vendor.category.as_str() == VENUE;
        let mut broken = ViolationSet::NOTHING;
        for (is_broken, reason) in [
            (request.exclude.contains(&vendor.id), Violation::Excluded),
            (foreign, Violation::Currency),
            (!self.serves_city(vendor), Violation::City),
            (
                capacity.min.is_some_and(|min| parts().any(|part| part.guests < min)),
                Violation::BelowMinimum,
            ),
            (
                capacity.max.is_some_and(|max| parts().any(|part| part.guests > max)),
                Violation::AboveMaximum,
            ),
            (self.wants_drinks && is_venue && !takes_alcohol(vendor), Violation::Alcohol),
            (i64::from(self.days_ahead) < i64::from(vendor.lead_days), Violation::LeadTime),
        ] {
            if is_broken {
                broken = broken.and(ViolationSet::only(reason));
            }
        }
        broken.and(self.away(def, sourced))
    }

    /// What keeps a vendor from being there when a category is served, from setup to teardown:
    /// its blackout dates and closed weekdays, on every local day on which it would be on the
    /// spot, and its bookings. Between two parts of an event it may be closed; what it is held
    /// for, it is held for from the first part to the last one.
    pub(crate) fn away(&self, def: &CategoryDef, sourced: &Sourced) -> ViolationSet {
        let vendor = &sourced.vendor;
        let mut broken = ViolationSet::NOTHING;
        if !vendor.blackout_dates.is_empty() || !vendor.closed_weekdays.is_empty() {
            for served in self.served.get(&def.name).into_iter().flatten() {
                let days = LocalDays::of(on_the_spot(*served, def, vendor), &self.zone);
                if vendor.blackout_dates.iter().any(|date| days.contains(*date)) {
                    broken = broken.and(ViolationSet::only(Violation::Blackout));
                }
                if days.iter().any(|day| closed_on(vendor, day)) {
                    broken = broken.and(ViolationSet::only(Violation::ClosedWeekday));
                }
            }
        }
        if !sourced.busy.is_empty()
            && sourced.is_booked(needed_window(self.input.request, def, vendor))
        {
            broken = broken.and(ViolationSet::only(Violation::Booked));
        }
        broken
    }

    /// Whether the vendor can't keep the event's times, whoever else is engaged.
    pub(crate) fn clashes(&self, def: &CategoryDef, vendor: &Vendor) -> bool {
        let engagement = Engagement { category: &def.name, vendor, in_house: false };
        let kind = (def.position, self.sight.traits(&engagement));
        *self.clashing.borrow_mut().entry(kind).or_insert_with(|| {
            let PlanningInput { request, categories, .. } = self.input;
            let refusal = certain_refusal(request, categories, &[engagement]);
            // Where the request's own times clash, no vendor is to blame.
            refusal.and_then(|refusal| refusal.places).is_some_and(|places| !places.is_empty())
        })
    }

    /// The dietary needs that a vendor doesn't serve whose meals are eaten. It must carry each
    /// need as a tag; `vegetarian` is also served by a vegetarian price line; and one with meat
    /// alone serves no need that rules it out.
    pub(crate) fn unserved_diets(&self, vendor: &Vendor, scope: Scope) -> ViolationSet {
        let has_tag = |need: &str| vendor.tags.iter().any(|tag| has_key(tag, need));
        let has_veg_line = || {
            let mut lines = vendor.pricing.iter();
            lines.any(|l| l.basis == Basis::PerGuest && l.option == Some(MealOption::Veg))
        };
        let mut broken = ViolationSet::NOTHING;
        for (index, need) in self.dietary.iter().enumerate() {
            let named = has_tag(need) || (need == "vegetarian" && has_veg_line());
            if !named || (is_meatless_diet(need) && serves_only_meat(vendor, scope)) {
                broken = broken.and(ViolationSet::diet(index));
            }
        }
        broken
    }

    fn serves_city(&self, vendor: &Vendor) -> bool {
        if vendor.city == self.input.request.city || has_name_key(&vendor.city, &self.city) {
            return true;
        }
        match (vendor.location, vendor.service_radius_km, self.city_centre) {
            (Some(location), Some(radius_km), Some(centre)) => {
                location.distance_km(centre) <= radius_km
            }
            _ => false,
        }
    }
}

fn closed_on(vendor: &Vendor, date: civil::Date) -> bool {
    !vendor.closed_weekdays.is_empty() && vendor.closed_weekdays.contains(&Weekday(date.weekday()))
}

#[cfg(test)]
#[path = "constraints_tests.rs"]
mod tests;
