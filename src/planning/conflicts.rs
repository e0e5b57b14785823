//! Constraints of a request that cannot hold together, in plain words.

use std::collections::BTreeSet;

use super::{
    inquiry::Inquiry,
    ledger::{Ledger, Timeline, Waivers},
    policies::drinks_wanted,
    problem::CategoryIndex,
    reason::{Broken, Reason},
    roles::Entry,
};
use crate::model::{Amount, Category, grouped};

/// What can be given up one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constraint {
    Currency,
    Exclude,
    MustInclude,
    City,
    Catering,
    Decor,
    /// A bar is wanted.
    Alcohol,
    Timeline,
    Date,
    Guests,
    /// The need at this place of the request's list.
    Diet(usize),
    Budget,
    Required(CategoryIndex),
}

impl Constraint {
    /// What of a vendor's broken constraints it stands for.
    fn broken(self) -> Broken {
        let all = |reasons: &[Reason]| {
            reasons.iter().fold(Broken::NOTHING, |all, reason| all.and(Broken::only(*reason)))
        };
        match self {
            Self::Currency => Broken::only(Reason::Currency),
            Self::Exclude => Broken::only(Reason::Excluded),
            Self::MustInclude => Broken::only(Reason::NotMustInclude),
            Self::City => Broken::only(Reason::City),
            Self::Catering => Broken::only(Reason::Catering),
            Self::Decor => Broken::only(Reason::Decor),
            Self::Alcohol => Broken::only(Reason::Alcohol),
            Self::Date => {
                all(&[Reason::LeadTime, Reason::Blackout, Reason::ClosedWeekday, Reason::Booked])
            }
            Self::Guests => all(&[Reason::BelowMinimum, Reason::AboveMaximum]),
            Self::Diet(index) => Broken::diet(index),
            Self::Timeline | Self::Budget | Self::Required(_) => Broken::NOTHING,
        }
    }
}

/// A minimal set of conflicting constraints, by deletion: each constraint is given up in turn,
/// and taken back where the others can be met without it. So the rest can't be met, and any part
/// of it can. Empty where the request is feasible. Constraints that clients seldom think of are
/// given up first.
pub(super) fn minimal_conflict(
    inquiry: &Inquiry<'_>,
    ledger: &Ledger<'_, '_>,
    timeline: &mut Timeline<'_>,
) -> Vec<String> {
    let mut conflict = Conflict { inquiry, ledger, timeline, refusal: None };
    let minimal = conflict.minimal();
    minimal.iter().map(|&constraint| conflict.in_words(constraint, &minimal)).collect()
}

struct Conflict<'c, 't> {
    inquiry: &'c Inquiry<'c>,
    ledger: &'c Ledger<'c, 'c>,
    timeline: &'c mut Timeline<'t>,
    refusal: Option<String>,
}

impl Conflict<'_, '_> {
    fn minimal(&mut self) -> Vec<Constraint> {
        let mut active = self.all();
        if self.is_feasible(&active) {
            return Vec::new();
        }
        for constraint in active.clone() {
            let rest: Vec<_> = active.iter().copied().filter(|c| *c != constraint).collect();
            if !self.is_feasible(&rest) {
                active = rest;
            }
        }
        active
    }

    /// Those that anything stands against, in the order in which they are given up.
    fn all(&self) -> Vec<Constraint> {
        let needs = 0..self.inquiry.request.preferences.dietary.len();
        let mut all = vec![
            Constraint::Currency,
            Constraint::Exclude,
            Constraint::MustInclude,
            Constraint::City,
            Constraint::Catering,
            Constraint::Decor,
            Constraint::Alcohol,
            Constraint::Timeline,
            Constraint::Date,
            Constraint::Guests,
        ];
        all.extend(needs.map(Constraint::Diet));
        all.push(Constraint::Budget);
        let of_vendors = self.ledger.entries().map(|(_, entry)| entry.broken);
        let broken = of_vendors.fold(Broken::NOTHING, Broken::and);
        all.retain(|constraint| match constraint {
            Constraint::Timeline | Constraint::Budget => true,
            Constraint::MustInclude => !self.inquiry.request.must_include.is_empty(),
            other => broken.has(other.broken()),
        });
        let categories = self.inquiry.categories.iter().enumerate();
        let required = categories.filter(|(_, def)| self.inquiry.service(&def.name).required);
        all.extend(required.map(|(index, _)| Constraint::Required(index)));
        all
    }

    fn is_feasible(&mut self, active: &[Constraint]) -> bool {
        let spendable = self.inquiry.request.spendable_minor();
        let budget = active.contains(&Constraint::Budget);
        self.cheapest(active).is_some_and(|total| !budget || total <= spendable)
    }

    /// The cheapest total that meets the active constraints but the budget, in minor units.
    fn cheapest(&mut self, active: &[Constraint]) -> Option<i64> {
        let required = (0..self.inquiry.categories.len()).map(Constraint::Required);
        let given_up = self.all().into_iter().filter(|constraint| !active.contains(constraint));
        let waivers = Waivers {
            broken: given_up.fold(Broken::NOTHING, |all, constraint| all.and(constraint.broken())),
            must_include: !active.contains(&Constraint::MustInclude),
            optional: required
                .enumerate()
                .filter(|(_, constraint)| !active.contains(constraint))
                .map(|(index, _)| index)
                .collect(),
        };
        let timeline = active.contains(&Constraint::Timeline).then_some(&mut *self.timeline);
        let cheapest = self.ledger.cheapest(&waivers, timeline);
        self.refusal = cheapest.refusal.or(self.refusal.take());
        cheapest.found.map(|(total, _)| total)
    }

    fn in_words(&mut self, constraint: Constraint, conflict: &[Constraint]) -> String {
        let request = self.inquiry.request;
        let fail = |what: &str| format!("{} {what}", self.share_of_vendors(constraint, conflict));
        match constraint {
            Constraint::Currency => format!(
                "prices in {}: {}",
                request.budget.currency,
                fail("are priced in another currency")
            ),
            Constraint::Exclude => format!("exclude: {}", fail("are named there")),
            Constraint::MustInclude => match self.ledger.impossible().first() {
                Some(statement) => statement.clone(),
                None => format!("must_include: {}", fail("give way to the vendors named there")),
            },
            Constraint::City => format!("the city {}: {}", request.city, fail("do not serve it")),
            Constraint::Catering => {
                format!("the venues' catering policies: {}", fail("cannot be used as they are"))
            }
            Constraint::Decor => {
                format!("the venues' rules on decor: {}", fail("take no decorator"))
            }
            Constraint::Alcohol => {
                let wanted: Vec<String> =
                    drinks_wanted(&request.preferences).map(|w| format!("`{w}`")).collect();
                let fail = fail("allow no alcohol");
                format!("the wanted amenity {}: {fail}", wanted.join(", "))
            }
            Constraint::Timeline => {
                let refusal = self.refusal.as_deref().unwrap_or("no schedule fits");
                format!("the timeline: {refusal}")
            }
            Constraint::Date => format!(
                "the date {}: {}",
                request.time.date,
                fail("are booked or closed then, or need more notice")
            ),
            Constraint::Guests => {
                format!("{} guests: {}", request.guests, fail("take only more or only fewer"))
            }
            Constraint::Diet(index) => format!(
                "the dietary need `{}`: {}",
                request.preferences.dietary[index],
                fail("do not serve it")
            ),
            Constraint::Budget => self.budget_in_words(conflict),
            Constraint::Required(index) => self.required_in_words(index),
        }
    }

    fn budget_in_words(&mut self, conflict: &[Constraint]) -> String {
        let request = self.inquiry.request;
        let money = |minor| {
            grouped(Amount::new(minor, request.budget.amount.decimals), request.budget.currency)
        };
        let (budget, left) = (request.budget.amount.minor, request.spendable_minor());
        let mut words = format!("the budget of {}", money(budget));
        if left < budget {
            words += &format!(" leaves {} beside the contingency", money(left));
        }
        let others: Vec<Constraint> =
            conflict.iter().copied().filter(|c| *c != Constraint::Budget).collect();
        if let Some(total) = self.cheapest(&others) {
            let link = if left < budget { "," } else { ":" };
            words += &format!("{link} the cheapest vendors cost {}", money(total));
        }
        words
    }

    fn required_in_words(&self, index: CategoryIndex) -> String {
        let name = &self.inquiry.categories[index].name;
        let words = format!("{} is required", with_article(name));
        let is_known = self.ledger.entries().any(|(category, _)| category == index);
        if is_known { words } else { format!("{words}, and none is known") }
    }

    /// "3 of 7 vendors", of the required categories that the conflict names, or of all.
    fn share_of_vendors(&self, constraint: Constraint, conflict: &[Constraint]) -> String {
        let is_meant = |index| {
            let named = |c: &Constraint| matches!(c, Constraint::Required(_));
            !conflict.iter().any(named) || conflict.contains(&Constraint::Required(index))
        };
        let ids = |fails: &dyn Fn(&Entry<'_>) -> bool| {
            let of =
                self.ledger.entries().filter(|(index, entry)| is_meant(*index) && fails(entry));
            of.map(|(_, entry)| &entry.vendor().id).collect::<BTreeSet<_>>().len()
        };
        let (failing, all) = (ids(&|e| e.broken.has(constraint.broken())), ids(&|_| true));
        format!("{failing} of {all} vendors")
    }
}

/// `makeup_artist` as "a makeup artist".
pub(super) fn with_article(category: &Category) -> String {
    let name = category.as_str().replace('_', " ");
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::planning::{compatibility::AreaTable, samples::any_case};

    proptest! {
        /// Not to be met as it stands, and to be met without any one of it.
        #[test]
        fn a_conflict_is_minimal(case in any_case(3)) {
            let inquiry = case.inquiry();
            let ledger = Ledger::of(&inquiry, &AreaTable::new(inquiry.areas), inquiry.vendors);
            let timeline: &mut Timeline<'_> = &mut |_, _, engagements| {
                let late = engagements.iter().any(|e| e.vendor.setup_minutes > 200);
                if late { Err("setup takes too long".into()) } else { Ok(()) }
            };
            let mut conflict =
                Conflict { inquiry: &inquiry, ledger: &ledger, timeline, refusal: None };
            let minimal = conflict.minimal();
            prop_assert_eq!(minimal.is_empty(), conflict.is_feasible(&conflict.all()));
            for constraint in &minimal {
                let rest: Vec<_> = minimal.iter().copied().filter(|c| c != constraint).collect();
                prop_assert!(conflict.is_feasible(&rest), "{constraint:?} of {minimal:?}");
                prop_assert!(!conflict.in_words(*constraint, &minimal).is_empty());
            }
        }
    }
}
