//! Hard constraints on a single vendor: whether it can serve the request at all.

use std::fmt;

use super::{
    compatibility::AreaTable,
    inquiry::{CATERER, Inquiry},
    tags::{fold, has_key, tag_key},
};
use crate::model::{
    Basis, Category, CategoryDef, GeoPoint, MealOption, Request, Sourced, Vendor, Weekday, Window,
};

/// Why a vendor cannot be chosen; in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request names it in `exclude`.
    Excluded,
    /// `must_include` names another vendor of its category.
    NotMustInclude,
    /// Its prices are in another currency than the budget.
    Currency,
    /// Another city, and the request's centre is not within its service radius.
    City,
    /// Fewer guests than its minimum.
    BelowMinimum,
    /// More guests than its maximum.
    AboveMaximum,
    LeadTime,
    Blackout,
    ClosedWeekday,
    /// Booked in the needed window, setup to teardown.
    Booked,
    /// Its catering policy or its prices leave no way to use it: e.g. a hall that is sold with
    /// its own plates only, where no caterer is wanted.
    Catering,
    /// A dietary need is not served.
    Dietary,
    /// It alone costs more than the budget without the contingency.
    OverBudget,
}

impl Reason {
    /// A stable word for logs and counts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::NotMustInclude => "not_must_include",
            Self::Currency => "currency",
            Self::City => "city",
            Self::BelowMinimum => "below_minimum",
            Self::AboveMaximum => "above_maximum",
            Self::LeadTime => "lead_time",
            Self::Blackout => "blackout",
            Self::ClosedWeekday => "closed_weekday",
            Self::Booked => "booked",
            Self::Catering => "catering",
            Self::Dietary => "dietary",
            Self::OverBudget => "over_budget",
        }
    }

    /// Said of a vendor: "it …".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Excluded => "is named in exclude",
            Self::NotMustInclude => "gives way to another vendor named in must_include",
            Self::Currency => "is priced in another currency",
            Self::City => "does not serve the city",
            Self::BelowMinimum => "takes only more guests",
            Self::AboveMaximum => "takes only fewer guests",
            Self::LeadTime => "needs more notice",
            Self::Blackout => "is not available on that date",
            Self::ClosedWeekday => "is closed on that weekday",
            Self::Booked => "is booked at that time",
            Self::Catering => "cannot be combined with the catering that is wanted",
            Self::Dietary => "does not serve the dietary needs",
            Self::OverBudget => "alone costs more than the budget",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The time a vendor must be free: from its category's lead and its setup before the event to
/// its teardown after it. The same window is held when a plan is selected.
pub fn needed_window(request: &Request, def: &CategoryDef, vendor: &Vendor) -> Window {
    let before = def.lead_minutes.saturating_add(vendor.setup_minutes);
    request.time.window().widened(before, vendor.teardown_minutes)
}

/// The request's side of every check, worked out once.
pub struct Rules<'a> {
    inquiry: Inquiry<'a>,
    city: String,
    city_centre: Option<GeoPoint>,
    days_ahead: i32,
    weekday: Weekday,
    dietary: Vec<String>,
}

impl<'a> Rules<'a> {
    pub fn new(inquiry: &Inquiry<'a>, areas: &AreaTable) -> Self {
        let request = inquiry.request;
        Self {
            inquiry: *inquiry,
            city: fold(&request.city),
            city_centre: areas.city_centre(&request.city),
            days_ahead: (request.time.date - inquiry.today).get_days(),
            weekday: Weekday(request.time.date.weekday()),
            dietary: request.preferences.dietary.iter().map(|need| tag_key(need)).collect(),
        }
    }

    /// The first constraint that the vendor breaks whatever its role; `None`: none.
    pub fn check(&self, def: &CategoryDef, sourced: &Sourced) -> Option<Reason> {
        let request = self.inquiry.request;
        let vendor = &sourced.vendor;
        let capacity = vendor.capacity.unwrap_or_default();
        let breaks = |reason: Reason| match reason {
            Reason::Excluded => request.exclude.contains(&vendor.id),
            Reason::Currency => {
                vendor.pricing.iter().any(|line| line.currency != request.budget.currency)
            }
            Reason::City => !self.serves_city(vendor),
            Reason::BelowMinimum => capacity.min.is_some_and(|min| request.guests < min),
            Reason::AboveMaximum => capacity.max.is_some_and(|max| request.guests > max),
            Reason::LeadTime => i64::from(self.days_ahead) < i64::from(vendor.lead_days),
            Reason::Blackout => vendor.blackout_dates.contains(&request.time.date),
            Reason::ClosedWeekday => vendor.closed_weekdays.contains(&self.weekday),
            Reason::Booked => {
                !sourced.busy.is_empty() && {
                    let needed = needed_window(request, def, vendor);
                    sourced.busy.iter().any(|busy| busy.overlaps(needed))
                }
            }
            _ => false,
        };
        [
            Reason::Excluded,
            Reason::Currency,
            Reason::City,
            Reason::BelowMinimum,
            Reason::AboveMaximum,
            Reason::LeadTime,
            Reason::Blackout,
            Reason::ClosedWeekday,
            Reason::Booked,
        ]
        .into_iter()
        .find(|&reason| breaks(reason))
    }

    /// Whether a vendor that feeds the guests serves every dietary need: it carries the need as
    /// a tag; `vegetarian` is also served by a vegetarian price line.
    pub fn serves_diet(&self, vendor: &Vendor) -> bool {
        let has_tag = |need: &str| vendor.tags.iter().any(|tag| has_key(tag, need));
        let has_veg_line = || {
            let mut lines = vendor.pricing.iter();
            lines.any(|l| l.basis == Basis::PerGuest && l.option == Some(MealOption::Veg))
        };
        let served = |need: &String| has_tag(need) || (need == "vegetarian" && has_veg_line());
        self.dietary.iter().all(served)
    }

    fn serves_city(&self, vendor: &Vendor) -> bool {
        if fold(&vendor.city) == self.city {
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

/// Whether the guests eat what the vendors of a category bring.
pub fn feeds(category: &Category) -> bool {
    category.as_str() == CATERER
}

#[cfg(test)]
mod tests {
    use jiff::civil;

    use super::*;
    use crate::{
        model::{Capacity, Window},
        planning::samples::{Case, meal, vendor},
    };

    fn check(case: &Case) -> Option<Reason> {
        let inquiry = case.inquiry();
        let areas = AreaTable::new(inquiry.areas);
        Rules::new(&inquiry, &areas).check(&case.categories[0], &case.vendors[0])
    }

    /// Changes a vendor.
    type Edit = fn(&mut Vendor);

    #[test]
    fn every_limit_is_kept_to_the_edge() {
        let cases: &[(Option<Reason>, Edit)] = &[
            (None, |_| ()),
            (None, |v| v.capacity = Some(Capacity { min: Some(100), ideal: None, max: Some(100) })),
            (Some(Reason::BelowMinimum), |v| {
                v.capacity = Some(Capacity { min: Some(101), ..Capacity::default() });
            }),
            (Some(Reason::AboveMaximum), |v| {
                v.capacity = Some(Capacity { max: Some(99), ..Capacity::default() });
            }),
            // 1 December to 20 February: 81 days.
            (None, |v| v.lead_days = 81),
            (Some(Reason::LeadTime), |v| v.lead_days = 82),
            (Some(Reason::Blackout), |v| v.blackout_dates = vec![civil::date(2027, 2, 20)]),
            (None, |v| v.blackout_dates = vec![civil::date(2027, 2, 21)]),
            (Some(Reason::ClosedWeekday), |v| {
                v.closed_weekdays = vec!["saturday".parse().unwrap()]
            }),
            (None, |v| v.closed_weekdays = vec!["sunday".parse().unwrap()]),
            (Some(Reason::Currency), |v| v.pricing[0].currency = "USD".parse().unwrap()),
            (None, |v| v.city = " BENGALURU ".into()),
            (Some(Reason::City), |v| v.city = "Mysuru".into()),
            (Some(Reason::City), |v| {
                v.city = "Mysuru".into();
                v.location = Some(GeoPoint { lat: 12.3, lon: 77.6 });
                v.service_radius_km = Some(111.0);
            }),
            // The mean of the three areas is at 13.3: 111.2 km away.
            (None, |v| {
                v.city = "Mysuru".into();
                v.location = Some(GeoPoint { lat: 12.3, lon: 77.6 });
                v.service_radius_km = Some(112.0);
            }),
            (Some(Reason::Excluded), |v| v.id = "unwanted".into()),
        ];
        for (i, (expected, edit)) in cases.iter().enumerate() {
            let mut florist = vendor("f", "florist");
            edit(&mut florist);
            let mut case = Case::of(&["florist"]).with([florist]);
            case.request.exclude = vec!["unwanted".into()];
            assert_eq!(check(&case), *expected, "case {i}");
        }
    }

    #[test]
    fn a_booking_is_in_the_way_from_setup_to_teardown() {
        // The event: 10:30–18:30 UTC; make-up starts four hours earlier, setup half an hour more.
        for (start, end, busy) in [
            ("05:00", "06:00", false),
            ("05:00", "06:01", true),
            ("12:00", "13:00", true),
            ("18:59", "20:00", true),
            ("19:00", "20:00", false),
        ] {
            let mut artist = vendor("m", "makeup_artist");
            (artist.setup_minutes, artist.teardown_minutes) = (30, 30);
            let mut case = Case::of(&["makeup_artist"]).with([artist]);
            let at = |time: &str| format!("2027-02-20T{time}:00Z").parse().unwrap();
            case.vendors[0].busy = vec![Window { start: at(start), end: at(end) }];
            assert_eq!(check(&case) == Some(Reason::Booked), busy, "{start}–{end}");
        }
    }

    #[test]
    fn diets_are_served_by_tag_or_vegetarian_by_price_line() {
        for (needs, tags, veg_line, served) in [
            (&[][..], &[][..], false, true),
            (&["halal"], &["Halal"], false, true),
            (&["gluten-free"], &["gluten free"], false, true),
            (&["halal", "jain"], &["halal"], true, false),
            (&["vegetarian"], &[], true, true),
            (&["vegetarian"], &[], false, false),
            (&["vegan"], &[], true, false),
        ] {
            let mut caterer = vendor("c", "caterer");
            caterer.tags = tags.iter().map(|&tag| tag.into()).collect();
            if veg_line {
                caterer.pricing.push(meal(MealOption::Veg, 10));
            }
            let mut case = Case::of(&["caterer"]);
            case.request.preferences.dietary = needs.iter().map(|&need| need.into()).collect();
            let inquiry = case.inquiry();
            let rules = Rules::new(&inquiry, &AreaTable::new(inquiry.areas));
            assert_eq!(rules.serves_diet(&caterer), served, "{needs:?} {tags:?}");
        }
    }
}
