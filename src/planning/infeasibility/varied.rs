//! A request with changes.

use jiff::tz::AmbiguousOffset;

use super::relaxations::Move;
use crate::domain::{
    input::{CATERER, PlanningInput},
    policies::means_alcohol,
    violation::{Violation, ViolationSet},
};
use model::{Amount, Anchor, Budget, Category, CategoryDef, EventTime, Request, Service};

/// A request with changes.
#[derive(Clone, Debug)]
pub(crate) struct Varied {
    pub request: Request,
    pub categories: Vec<CategoryDef>,
    /// Constraints that don't count.
    pub waived: ViolationSet,
    /// Constraints whose outcome the changes may turn: a vendor that breaks another one stays
    /// out. `None`: any vendor may come in.
    pub reach: Option<ViolationSet>,
    /// The vendors are another city's.
    pub is_elsewhere: bool,
}

impl Varied {
    pub(crate) fn unchanged(input: &PlanningInput<'_>) -> Self {
        Self {
            request: input.request.clone(),
            categories: input.categories.to_vec(),
            waived: ViolationSet::NOTHING,
            reach: Some(ViolationSet::NOTHING),
            is_elsewhere: false,
        }
    }

    /// Whether the request could be sent like this: something is required, nothing has passed,
    /// every start is a time of its day, functions and anchors keep their order.
    pub(crate) fn is_writable(&self, input: &PlanningInput<'_>) -> bool {
        let requires = self.categories.iter().any(|def| {
            let service = self.request.services.get(&def.name);
            service.is_none_or(|service| service.required)
        });
        let coming = |new: &EventTime, old: &EventTime| {
            new.date > input.today || (new.date == old.date && new.start >= old.start)
        };
        let exists = |time: &EventTime| {
            let local = time.zone().into_ambiguous_zoned(time.date.to_datetime(time.start));
            !matches!(local.offset(), AmbiguousOffset::Gap { .. })
        };
        let parts = || self.request.parts().zip(input.request.parts());
        let starts: Vec<_> = parts().map(|(new, _)| new.time.window().start).collect();
        requires
            && starts.is_sorted()
            && parts().all(|(new, old)| {
                let is_next_day = |time: &EventTime, anchor: &Anchor| anchor.at < time.start;
                let mut anchors = new.anchors.iter();
                coming(new.time, old.time)
                    && exists(new.time)
                    && anchors.all(|a| is_next_day(new.time, a) == is_next_day(old.time, a))
            })
    }

    /// The input with these changes in place of its own request.
    pub(crate) fn input<'v>(&'v self, input: &PlanningInput<'v>) -> PlanningInput<'v> {
        PlanningInput { request: &self.request, categories: &self.categories, ..*input }
    }

    /// With one more change.
    pub(crate) fn and(mut self, change: &Move) -> Self {
        let reach = change.reach();
        self.reach = self.reach.zip(reach).map(|(one, other)| one.and(other));
        let request = &mut self.request;
        match change {
            Move::Guests(guests) => request.set_guests(*guests),
            Move::Date(date) => request.move_to(*date),
            Move::Start(function, start) => {
                let time = request.time_of(*function).clone();
                request.set_time(*function, EventTime { start: *start, ..time });
            }
            Move::Hours(function, minutes) => {
                let time = request.time_of(*function).clone();
                request.set_time(*function, EventTime { minutes: *minutes, ..time });
            }
            Move::City(city) => {
                request.city = city.clone();
                self.is_elsewhere = true;
            }
            Move::Currency(currency) => {
                let (amount, currency) = (Amount::largest(*currency), *currency);
                request.budget = Budget { amount, currency };
            }
            Move::Policy => self.waived = self.waived.and(ViolationSet::only(Violation::Catering)),
            Move::Decor => self.waived = self.waived.and(ViolationSet::only(Violation::Decor)),
            Move::Alcohol => self.waived = self.waived.and(ViolationSet::only(Violation::Alcohol)),
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
            Move::Anchor(function, _, anchor) => {
                let anchors = match function.and_then(|i| request.functions.get_mut(i)) {
                    Some(function) => &mut function.anchors,
                    None => &mut request.anchors,
                };
                if let Some(place) = anchors.iter().position(|other| other == anchor) {
                    anchors.remove(place);
                }
            }
        }
        self
    }
}
