//! Single changes to a request, and what each would need to suffice.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::{ToSpan, civil};

use super::conflict_words::with_article;
use crate::domain::{
    input::{CATERER, DECORATOR, PlanningInput, VENUE},
    policies::{drinks_wanted, means_alcohol},
    roles::CateringRole,
    violation::{Violation, ViolationSet},
};
use model::{Anchor, Category, Currency, EventTime, Relaxation, Request, VendorId};

/// Days before and after the wanted date that are tried.
const DAYS_AROUND: i64 = 14;
/// Other currencies that are tried at most.
const CURRENCIES_MAX: usize = 8;
/// Starts are tried at every quarter of an hour of the same local day.
const START_GRID_MINUTES: i16 = 15;
/// Lengths are tried at every half hour.
const HOURS_GRID_MINUTES: u32 = 30;
/// Shortest and longest length of an event.
const MINUTES_RANGE: (u32, u32) = (30, 72 * 60);
/// Minutes by which an event may be asked to last longer, where its activities need the time.
const LONGER_MAX_MINUTES: u32 = 240;

/// A change that is not about an amount.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Move {
    Guests(u32),
    Date(civil::Date),
    /// On the same local day, for as long as before, with every anchor at its own time. Of the
    /// event, or of a function by its place in the request's list.
    Start(Option<usize>, civil::Time),
    /// In minutes, from the same start on; of the event or of a function.
    Hours(Option<usize>, u32),
    City(String),
    /// The budget is stated in another currency, as large as it must be.
    Currency(Currency),
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
    /// Of the event or of a function, by its place in the list.
    Anchor(Option<usize>, usize, Anchor),
}

/// Dimensions in which a request can be changed, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Guests,
    Currency,
    Date,
    Start,
    Hours,
    City,
    Catering,
    Decor,
    Alcohol,
    Diet,
    Optional,
    Must,
    Exclude,
    Anchor,
}

impl Kind {
    /// What a reader calls it, with the bounds within which it is tried.
    pub(crate) fn in_words(self) -> String {
        match self {
            Self::Guests => "the guests".into(),
            Self::Currency => "the budget's currency".into(),
            Self::Date => format!("the date (by up to {DAYS_AROUND} days)"),
            Self::Start => "the start (on the same day)".into(),
            Self::Hours => "the hours".into(),
            Self::City => "the city".into(),
            Self::Catering => "the catering policy".into(),
            Self::Decor => "the venues' rules on decor".into(),
            Self::Alcohol => "the wanted bar, and the venues' rules on alcohol".into(),
            Self::Diet => "the dietary needs".into(),
            Self::Optional => "the required services".into(),
            Self::Must => "must_include".into(),
            Self::Exclude => "exclude".into(),
            Self::Anchor => "the anchors".into(),
        }
    }

    /// Whether no vendor costs less for it.
    pub(crate) const fn keeps_prices(self) -> bool {
        !matches!(self, Self::Guests | Self::Currency | Self::Hours | Self::City | Self::Diet)
    }
}

impl Move {
    /// Every change but that of the guests, those of one kind in a row, the smaller ones first.
    /// `city`: another one whose vendors are at hand.
    pub(crate) fn all(input: &PlanningInput<'_>, city: Option<&str>) -> Vec<Self> {
        let request = input.request;
        let mut moves: Vec<Self> =
            other_currencies(input).into_iter().map(Self::Currency).collect();
        for days in 1..=DAYS_AROUND {
            for days in [days, -days] {
                let date = request.time.date.saturating_add(days.days());
                let exists = || {
                    let mut moved = request.clone();
                    moved.move_to(date);
                    moved.skipped_time().is_none()
                };
                if date > input.today && exists() {
                    moves.push(Self::Date(date));
                }
            }
        }
        let parts: Vec<Option<usize>> = match request.functions.len() {
            0 => vec![None],
            count => (0..count).map(Some).collect(),
        };
        moves.extend(parts.iter().flat_map(|&part| other_starts(part, request.time_of(part))));
        moves.extend(parts.iter().flat_map(|&part| other_lengths(part, request.time_of(part))));
        moves.extend(city.map(|city| Self::City(city.to_owned())));
        if input.index_of(VENUE).is_some() {
            let has_caterer = input.index_of(CATERER).is_some();
            moves.push(if has_caterer { Self::Policy } else { Self::AskCaterer });
            if input.index_of(DECORATOR).is_some() {
                moves.push(Self::Decor);
            }
            if drinks_wanted(&request.preferences).next().is_some() {
                moves.extend([Self::NoBar, Self::Alcohol]);
            }
        }
        let needs = request.preferences.dietary.iter().cloned().enumerate();
        moves.extend(needs.map(|(index, need)| Self::Diet(index, need)));
        let defs = input.categories.iter();
        let required: Vec<&Category> =
            defs.map(|def| &def.name).filter(|name| input.service(name).required).collect();
        if required.len() > 1 {
            moves.extend(required.into_iter().cloned().map(Self::Optional));
        }
        moves.extend(request.must_include.iter().cloned().map(Self::Must));
        moves.extend(request.exclude.iter().cloned().map(Self::Exclude));
        for (&part, of_part) in parts.iter().zip(request.parts()) {
            let anchors = of_part.anchors.iter().cloned().enumerate();
            moves.extend(anchors.map(|(index, anchor)| Self::Anchor(part, index, anchor)));
        }
        moves
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Guests(_) => Kind::Guests,
            Self::Currency(_) => Kind::Currency,
            Self::Date(_) => Kind::Date,
            Self::Start(..) => Kind::Start,
            Self::Hours(..) => Kind::Hours,
            Self::City(_) => Kind::City,
            Self::Policy | Self::AskCaterer => Kind::Catering,
            Self::Decor => Kind::Decor,
            Self::Alcohol | Self::NoBar => Kind::Alcohol,
            Self::Diet(..) => Kind::Diet,
            Self::Optional(_) => Kind::Optional,
            Self::Must(_) => Kind::Must,
            Self::Exclude(_) => Kind::Exclude,
            Self::Anchor(..) => Kind::Anchor,
        }
    }

    /// Whether one of the two is enough to know, and both can't be made: two dates, two cities.
    pub(crate) fn is_alternative_to(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Start(one, _), Self::Start(other, _))
            | (Self::Hours(one, _), Self::Hours(other, _)) => one == other,
            (Self::Date(_), Self::Date(_))
            | (Self::City(_), Self::City(_))
            | (Self::NoBar | Self::Alcohol, Self::NoBar | Self::Alcohol)
            | (Self::Currency(_), Self::Currency(_))
            | (Self::Guests(_), Self::Guests(_)) => true,
            _ => false,
        }
    }

    pub(crate) fn reach(&self) -> Option<ViolationSet> {
        let all = |reasons: &[Violation]| {
            reasons
                .iter()
                .fold(ViolationSet::NOTHING, |all, reason| all.and(ViolationSet::only(*reason)))
        };
        match self {
            Self::Guests(_) => Some(all(&[Violation::BelowMinimum, Violation::AboveMaximum])),
            Self::Date(_) => Some(all(&[
                Violation::LeadTime,
                Violation::Blackout,
                Violation::ClosedWeekday,
                Violation::Booked,
            ])),
            // The days on which a vendor is needed, and until when.
            Self::Start(..) | Self::Hours(..) => {
                Some(all(&[Violation::Blackout, Violation::ClosedWeekday, Violation::Booked]))
            }
            Self::City(_) | Self::AskCaterer => None,
            Self::Currency(_) => Some(ViolationSet::only(Violation::Currency)),
            Self::Policy => Some(ViolationSet::only(Violation::Catering)),
            Self::Decor => Some(ViolationSet::only(Violation::Decor)),
            Self::Alcohol | Self::NoBar => Some(ViolationSet::only(Violation::Alcohol)),
            Self::Diet(index, _) => Some(ViolationSet::diet(*index)),
            Self::Must(_) => Some(all(&[Violation::NotMustInclude, Violation::Decor])),
            Self::Exclude(_) => Some(ViolationSet::only(Violation::Excluded)),
            Self::Optional(category) if category.as_str() == DECORATOR => {
                Some(ViolationSet::only(Violation::Decor))
            }
            Self::Optional(_) | Self::Anchor(..) => Some(ViolationSet::NOTHING),
        }
    }

    /// What to change. `bent`: the venue whose policy would have to give way, and its role then.
    pub(crate) fn in_words(
        &self,
        request: &Request,
        bent: Option<&(VendorId, CateringRole)>,
    ) -> Relaxation {
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
            Self::Start(function, start) => {
                let (field, of) = part_of(request, *function, "start");
                let start = start.strftime("%H:%M").to_string();
                (field, format!("let {of} start at {start}"), start)
            }
            Self::Hours(function, minutes) => {
                let (field, of) = part_of(request, *function, "hours");
                let hours = f64::from(*minutes) / 60.0;
                let is_less = *minutes < request.time_of(*function).minutes;
                let advice = if is_less { "shorten" } else { "lengthen" };
                (field, format!("{advice} {of} to {hours} hours"), hours.to_string())
            }
            Self::City(city) => ("city".into(), format!("move to {city}"), city.clone()),
            // How much must be told with the vendors that it then takes.
            Self::Currency(currency) => (
                "budget.currency".into(),
                format!("state the budget in {currency}"),
                currency.code().into(),
            ),
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
            Self::Anchor(function, index, anchor) => {
                let (field, _) = part_of(request, *function, &format!("anchors[{index}]"));
                (field, format!("leave the time of `{}` open", anchor.activity), "null".into())
            }
        };
        Relaxation { field, advice, value }
    }
}

/// Other currencies that vendors are priced in, [`CURRENCIES_MAX`] at most: that of the most
/// vendors first, of as many by code.
fn other_currencies(input: &PlanningInput<'_>) -> Vec<Currency> {
    let own = input.request.budget.currency;
    let mut vendors: BTreeMap<&str, (usize, Currency)> = BTreeMap::new();
    for currency in input.vendors.iter().filter_map(|sourced| sourced.vendor.currency()) {
        if currency != own {
            vendors.entry(currency.code()).or_insert((0, currency)).0 += 1;
        }
    }
    let mut currencies: Vec<(usize, Currency)> = vendors.into_values().collect();
    currencies.sort_by_key(|(vendors, _)| Reverse(*vendors));
    currencies.into_iter().take(CURRENCIES_MAX).map(|(_, currency)| currency).collect()
}

/// Which venue would have to change its policy, and how.
fn policy_in_words(bent: Option<&(VendorId, CateringRole)>) -> (String, String, String) {
    let field = "policies.catering".to_owned();
    match bent {
        Some((id, CateringRole::Catering)) => {
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
    bent: Option<&(VendorId, CateringRole)>,
) -> (String, String, String) {
    let whom = bent.map_or_else(|| "a venue".to_owned(), |(id, _)| format!("venue `{id}`"));
    (format!("policies.{rule}"), format!("agree with {whom} on {what}"), "true".into())
}

/// The path of a field of the event or of a function, and what it is called.
fn part_of(request: &Request, function: Option<usize>, field: &str) -> (String, String) {
    match function.and_then(|i| Some((i, request.functions.get(i)?))) {
        Some((i, function)) => (format!("functions[{i}].{field}"), format!("`{}`", function.name)),
        None => (field.to_owned(), "the event".to_owned()),
    }
}

/// Other starts on the same local day, the nearest first, of two as near the earlier one.
fn other_starts(function: Option<usize>, time: &EventTime) -> Vec<Move> {
    let minute = |at: civil::Time| i16::from(at.hour()) * 60 + i16::from(at.minute());
    let grid = (0..24 * 60 / START_GRID_MINUTES).map(|step| step * START_GRID_MINUTES);
    let at = |minutes: i16| civil::time((minutes / 60) as i8, (minutes % 60) as i8, 0, 0);
    let mut starts: Vec<civil::Time> = grid.map(at).filter(|at| *at != time.start).collect();
    starts.sort_by_key(|&at| (minute(at).abs_diff(minute(time.start)), at));
    starts.into_iter().map(|at| Move::Start(function, at)).collect()
}

/// Other lengths, the nearest first, of two as near the shorter one.
fn other_lengths(function: Option<usize>, time: &EventTime) -> Vec<Move> {
    let (least, most) = MINUTES_RANGE;
    let most = most.min(time.minutes.saturating_add(LONGER_MAX_MINUTES));
    let grid = (least..=most).step_by(HOURS_GRID_MINUTES as usize);
    let mut lengths: Vec<u32> = grid.filter(|minutes| *minutes != time.minutes).collect();
    lengths.sort_by_key(|&minutes| (minutes.abs_diff(time.minutes), minutes));
    lengths.into_iter().map(|minutes| Move::Hours(function, minutes)).collect()
}
