//! Single changes to a request, and what each would need to suffice.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil};

use super::{
    compatibility::AreaTable,
    conflicts::with_article,
    inquiry::{CATERER, DECORATOR, Inquiry, VENUE},
    policies::{drinks_wanted, means_alcohol},
    reason::{Broken, Reason},
    roles::Role,
    tags::fold,
};
use crate::model::{Category, CategoryDef, Relaxation, Request, Service, Sourced, VendorId};

/// Days before and after the wanted date that are tried.
const DAYS_AROUND: i64 = 14;
/// Other cities that are tried at most, the nearest ones.
const CITIES_MAX: usize = 32;

/// A change that is not about an amount.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Move {
    Guests(u32),
    Date(civil::Date),
    City(String),
    /// A venue's catering policy gives way.
    Policy,
    /// A venue's rule on decor gives way.
    Decor,
    /// A venue's rule on alcohol gives way.
    Alcohol,
    /// The wanted amenities that mean alcohol are given up.
    NoBar,
    /// A caterer is asked for where none was, so that halls sold with plates can be taken.
    AskCaterer,
    /// By its place in the request's list, and its name.
    Diet(usize, String),
    Optional(Category),
    Must(VendorId),
    Exclude(VendorId),
    /// By its place in the request's list.
    Anchor(usize),
}

/// A request with changes.
#[derive(Clone, Debug)]
pub(super) struct Varied {
    pub request: Request,
    pub categories: Vec<CategoryDef>,
    /// Constraints that don't count.
    pub waived: Broken,
    /// Constraints whose outcome the changes may turn: a vendor that breaks another one stays
    /// out. `None`: any vendor may come in.
    pub reach: Option<Broken>,
}

impl Varied {
    pub fn unchanged(inquiry: &Inquiry<'_>) -> Self {
        Self {
            request: inquiry.request.clone(),
            categories: inquiry.categories.to_vec(),
            waived: Broken::NOTHING,
            reach: Some(Broken::NOTHING),
        }
    }

    /// The inquiry with these changes in place of its own request.
    pub fn inquiry<'v>(&'v self, inquiry: &Inquiry<'v>) -> Inquiry<'v> {
        Inquiry { request: &self.request, categories: &self.categories, ..*inquiry }
    }

    /// With one more change.
    pub fn and(mut self, change: &Move) -> Self {
        let reach = change.reach();
        self.reach = self.reach.zip(reach).map(|(one, other)| one.and(other));
        let request = &mut self.request;
        match change {
            Move::Guests(guests) => request.set_guests(*guests),
            Move::Date(date) => request.move_to(*date),
            Move::City(city) => request.city = city.clone(),
            Move::Policy => self.waived = self.waived.and(Broken::only(Reason::Catering)),
            Move::Decor => self.waived = self.waived.and(Broken::only(Reason::Decor)),
            Move::Alcohol => self.waived = self.waived.and(Broken::only(Reason::Alcohol)),
            Move::NoBar => request.preferences.amenities.retain(|wish| !means_alcohol(wish)),
            Move::AskCaterer => {
                let service = Service { required: true, weight: 1.0, quantity: 1 };
                let name = Category::new(CATERER);
                request.services.insert(name.clone(), service);
                for function in &mut request.functions {
                    function.services.push(name.clone());
                }
                let position = self.categories.iter().map(|def| def.position).max().unwrap_or(0);
                let def =
                    CategoryDef { name, position: position + 1, wants: vec![], lead_minutes: 0 };
                self.categories.push(def);
            }
            Move::Diet(_, need) => request.preferences.dietary.retain(|other| other != need),
            Move::Optional(category) => {
                if let Some(service) = request.services.get_mut(category) {
                    service.required = false;
                }
            }
            Move::Must(id) => request.must_include.retain(|other| other != id),
            Move::Exclude(id) => request.exclude.retain(|other| other != id),
            Move::Anchor(index) => drop(request.anchors.remove(*index)),
        }
        self
    }
}

impl Move {
    /// Every change but that of the guests, those of one kind in a row, the smaller ones first.
    pub fn all(inquiry: &Inquiry<'_>, areas: &AreaTable) -> Vec<Self> {
        let request = inquiry.request;
        let mut moves = Vec::new();
        for days in 1..=DAYS_AROUND {
            for days in [days, -days] {
                let date = request.time.date.saturating_add(days.days());
                let exists = || {
                    let mut moved = request.clone();
                    moved.move_to(date);
                    moved.skipped_time().is_none()
                };
                if date >= inquiry.today && exists() {
                    moves.push(Self::Date(date));
                }
            }
        }
        moves.extend(other_cities(inquiry, areas).into_iter().map(Self::City));
        if inquiry.index_of(VENUE).is_some() {
            let has_caterer = inquiry.index_of(CATERER).is_some();
            moves.push(if has_caterer { Self::Policy } else { Self::AskCaterer });
            if inquiry.index_of(DECORATOR).is_some() {
                moves.push(Self::Decor);
            }
            if drinks_wanted(&request.preferences).next().is_some() {
                moves.extend([Self::NoBar, Self::Alcohol]);
            }
        }
        let needs = request.preferences.dietary.iter().cloned().enumerate();
        moves.extend(needs.map(|(index, need)| Self::Diet(index, need)));
        let defs = inquiry.categories.iter();
        let required: Vec<&Category> =
            defs.map(|def| &def.name).filter(|name| inquiry.service(name).required).collect();
        if required.len() > 1 {
            moves.extend(required.into_iter().cloned().map(Self::Optional));
        }
        moves.extend(request.must_include.iter().cloned().map(Self::Must));
        moves.extend(request.exclude.iter().cloned().map(Self::Exclude));
        moves.extend((0..request.anchors.len()).map(Self::Anchor));
        moves
    }

    /// Whether one of the two is enough to know: two dates, two cities.
    pub fn is_alternative_to(&self, other: &Self) -> bool {
        matches!(
            (self, other),
            (Self::Date(_), Self::Date(_))
                | (Self::City(_), Self::City(_))
                | (Self::Guests(_), Self::Guests(_))
                | (Self::NoBar | Self::Alcohol, Self::NoBar | Self::Alcohol)
        )
    }

    /// Whether the two can't be made together: both take an anchor out by its place.
    pub fn clashes_with(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Anchor(_), Self::Anchor(_)))
    }

    fn reach(&self) -> Option<Broken> {
        let all = |reasons: &[Reason]| {
            reasons.iter().fold(Broken::NOTHING, |all, reason| all.and(Broken::only(*reason)))
        };
        match self {
            Self::Guests(_) => Some(all(&[Reason::BelowMinimum, Reason::AboveMaximum])),
            Self::Date(_) => Some(all(&[
                Reason::LeadTime,
                Reason::Blackout,
                Reason::ClosedWeekday,
                Reason::Booked,
            ])),
            Self::City(_) => Some(Broken::only(Reason::City)),
            Self::Policy => Some(Broken::only(Reason::Catering)),
            Self::Decor => Some(Broken::only(Reason::Decor)),
            Self::Alcohol | Self::NoBar => Some(Broken::only(Reason::Alcohol)),
            Self::AskCaterer => None,
            Self::Diet(index, _) => Some(Broken::diet(*index)),
            Self::Must(_) => Some(all(&[Reason::NotMustInclude, Reason::Decor])),
            Self::Exclude(_) => Some(Broken::only(Reason::Excluded)),
            Self::Optional(category) if category.as_str() == DECORATOR => {
                Some(Broken::only(Reason::Decor))
            }
            Self::Optional(_) | Self::Anchor(_) => Some(Broken::NOTHING),
        }
    }

    /// What to change. `bent`: the venue whose policy would have to give way, and its role then.
    pub fn in_words(&self, request: &Request, bent: Option<&(VendorId, Role)>) -> Relaxation {
        let quoted = |values: Vec<&str>| format!("{values:?}");
        let ids_without = |ids: &[VendorId], id: &VendorId| {
            quoted(ids.iter().filter(|other| *other != id).map(VendorId::as_str).collect())
        };
        let (field, advice, value) = match self {
            Self::Guests(guests) if *guests < request.guests => {
                ("guests".into(), format!("invite at most {guests} guests"), guests.to_string())
            }
            Self::Guests(guests) => {
                ("guests".into(), format!("plan for at least {guests} guests"), guests.to_string())
            }
            Self::Date(date) => {
                ("date".into(), format!("move the event to {date}"), date.to_string())
            }
            Self::City(city) => ("city".into(), format!("move to {city}"), city.clone()),
            Self::Policy => policy_in_words(bent),
            Self::Decor => rule_in_words("decor", "a decorator", bent),
            Self::Alcohol => rule_in_words("alcohol", "serving alcohol", bent),
            Self::NoBar => {
                let kept = request.preferences.amenities.iter().filter(|w| !means_alcohol(w));
                let wanted: Vec<String> =
                    drinks_wanted(&request.preferences).map(|w| format!("`{w}`")).collect();
                (
                    "preferences.amenities".into(),
                    format!("do without the amenity {}", wanted.join(", ")),
                    quoted(kept.map(String::as_str).collect()),
                )
            }
            Self::AskCaterer => (
                format!("services.{CATERER}"),
                "allow in-house catering: ask for a caterer too".into(),
                "{\"required\": true}".into(),
            ),
            Self::Diet(_, need) => {
                let needs = request.preferences.dietary.iter().filter(|other| *other != need);
                (
                    "preferences.dietary".into(),
                    format!("do without the dietary need `{need}`"),
                    quoted(needs.map(String::as_str).collect()),
                )
            }
            Self::Optional(category) => (
                format!("services.{category}.required"),
                format!("do without {} where none fits", with_article(category)),
                "false".into(),
            ),
            Self::Must(id) => (
                "must_include".into(),
                format!("drop `{id}` from must_include"),
                ids_without(&request.must_include, id),
            ),
            Self::Exclude(id) => (
                "exclude".into(),
                format!("drop `{id}` from exclude"),
                ids_without(&request.exclude, id),
            ),
            Self::Anchor(index) => {
                let activity = request.anchors.get(*index).map_or("", |a| a.activity.as_str());
                (
                    format!("anchors[{index}]"),
                    format!("leave the time of `{activity}` open"),
                    "null".into(),
                )
            }
        };
        Relaxation { field, advice, value }
    }
}

/// Which venue would have to change its policy, and how.
fn policy_in_words(bent: Option<&(VendorId, Role)>) -> (String, String, String) {
    let field = "policies.catering".to_owned();
    match bent {
        Some((id, Role::Catering)) => {
            (field, format!("allow in-house catering at venue `{id}`"), "in_house".into())
        }
        Some((id, _)) => {
            (field, format!("agree with venue `{id}` on an outside caterer"), "outside".into())
        }
        None => (field, "agree with a venue on another catering policy".into(), "both".into()),
    }
}

/// Which venue would have to allow something that it forbids.
fn rule_in_words(
    rule: &str,
    what: &str,
    bent: Option<&(VendorId, Role)>,
) -> (String, String, String) {
    let whom = bent.map_or_else(|| "a venue".to_owned(), |(id, _)| format!("venue `{id}`"));
    (format!("policies.{rule}"), format!("agree with {whom} on {what}"), "true".into())
}

/// Cities with vendors, the nearest to the wanted one first, those without a known place last.
fn other_cities(inquiry: &Inquiry<'_>, areas: &AreaTable) -> Vec<String> {
    let wanted = fold(&inquiry.request.city);
    let here = areas.city_centre(&wanted);
    let names = inquiry.vendors.iter().map(|sourced: &Sourced| sourced.vendor.city.trim());
    let mut by_key = BTreeMap::new();
    for name in names {
        let known = by_key.entry(fold(name)).or_insert(name);
        // Of several spellings the first in byte order, whatever the order of the vendors.
        *known = name.min(known);
    }
    by_key.remove(&wanted);
    let far = |key: &String| match (here, areas.city_centre(key)) {
        (Some(here), Some(there)) => here.distance_km(there),
        _ => f64::INFINITY,
    };
    let mut cities: Vec<(f64, &str)> = by_key.iter().map(|(key, name)| (far(key), *name)).collect();
    cities.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(b.1)));
    cities.into_iter().take(CITIES_MAX).map(|(_, name)| name.to_owned()).collect()
}
