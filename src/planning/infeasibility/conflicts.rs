//! Constraints of a request that cannot hold together, in plain words.

use std::collections::BTreeSet;

use super::cheapest_fill::{Cheapest, CheapestFill, Relaxed, Schedules};
use crate::{
    domain::{
        input::PlanningInput,
        policies::drinks_wanted,
        roles::Candidate,
        violation::{Violation, ViolationSet},
    },
    problem::CategoryIndex,
};
use model::{Amount, Category, Currency, Vendor, grouped};

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
    fn broken(self) -> ViolationSet {
        let all = |reasons: &[Violation]| {
            reasons
                .iter()
                .fold(ViolationSet::NOTHING, |all, reason| all.and(ViolationSet::only(*reason)))
        };
        match self {
            Self::Currency => ViolationSet::only(Violation::Currency),
            Self::Exclude => ViolationSet::only(Violation::Excluded),
            Self::MustInclude => ViolationSet::only(Violation::NotMustInclude),
            Self::City => ViolationSet::only(Violation::City),
            Self::Catering => ViolationSet::only(Violation::Catering),
            Self::Decor => ViolationSet::only(Violation::Decor),
            Self::Alcohol => ViolationSet::only(Violation::Alcohol),
            Self::Date => all(&[
                Violation::LeadTime,
                Violation::Blackout,
                Violation::ClosedWeekday,
                Violation::Booked,
            ]),
            Self::Guests => all(&[Violation::BelowMinimum, Violation::AboveMaximum]),
            Self::Diet(index) => ViolationSet::diet(index),
            Self::Timeline | Self::Budget | Self::Required(_) => ViolationSet::NOTHING,
        }
    }
}

/// A minimal set of conflicting constraints, by deletion: each constraint is given up in turn,
/// and taken back where the others can be met without it. So the rest can't be met, and any part
/// of it can. Empty where the request is feasible. Constraints that clients seldom think of are
/// given up first. Where the schedules that may be asked for don't suffice to tell, a constraint
/// stays.
pub(crate) fn minimal_conflict(
    inquiry: &PlanningInput<'_>,
    fill: &CheapestFill<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
) -> Vec<String> {
    let mut conflict = Conflict { inquiry, fill, schedules };
    let minimal = conflict.minimal();
    minimal.iter().map(|&constraint| conflict.in_words(constraint, &minimal)).collect()
}

struct Conflict<'c, 's, 't> {
    inquiry: &'c PlanningInput<'c>,
    fill: &'c CheapestFill<'c, 'c>,
    schedules: &'c mut Schedules<'s, 't>,
}

impl<'c> Conflict<'c, '_, '_> {
    fn minimal(&mut self) -> Vec<Constraint> {
        let mut active = self.all();
        if self.cheapest(&active, self.limit(&active)).found.is_some() {
            return Vec::new();
        }
        for constraint in active.clone() {
            let rest: Vec<_> = active.iter().copied().filter(|c| *c != constraint).collect();
            let cheapest = self.cheapest(&rest, self.limit(&rest));
            if cheapest.found.is_none() && cheapest.is_decided {
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
        let of_vendors = self.fill.entries().map(|(_, entry)| entry.broken);
        let broken = of_vendors.fold(ViolationSet::NOTHING, ViolationSet::and);
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

    /// What may be spent while these are active, in minor units.
    fn limit(&self, active: &[Constraint]) -> i64 {
        let budget = active.contains(&Constraint::Budget);
        if budget { self.inquiry.request.spendable_minor() } else { i64::MAX }
    }

    /// The cheapest combination up to `most` that meets the active constraints but the budget.
    fn cheapest(&mut self, active: &[Constraint], most: i64) -> Cheapest<'c> {
        let required = (0..self.inquiry.categories.len()).map(Constraint::Required);
        let given_up = self.all().into_iter().filter(|constraint| !active.contains(constraint));
        let waivers = Relaxed {
            broken: given_up
                .fold(ViolationSet::NOTHING, |all, constraint| all.and(constraint.broken())),
            must_include: !active.contains(&Constraint::MustInclude),
            optional: required
                .enumerate()
                .filter(|(_, constraint)| !active.contains(constraint))
                .map(|(index, _)| index)
                .collect(),
        };
        let schedules = active.contains(&Constraint::Timeline).then_some(&mut *self.schedules);
        self.fill.cheapest(&waivers, most, schedules)
    }

    fn in_words(&mut self, constraint: Constraint, conflict: &[Constraint]) -> String {
        let request = self.inquiry.request;
        let fail = |what: &str| format!("{} {what}", self.share_of_vendors(constraint, conflict));
        match constraint {
            Constraint::Currency => format!(
                "the budget is in {}, whatever its amount: {}",
                request.budget.currency,
                fail(&format!("are priced in {}", self.foreign_currencies()))
            ),
            Constraint::Exclude => format!("exclude: {}", fail("are named there")),
            Constraint::MustInclude => match self.fill.impossible().first() {
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
            Constraint::Timeline => self.timeline_in_words(conflict),
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
        let mut others: Vec<Constraint> =
            conflict.iter().copied().filter(|c| *c != Constraint::Budget).collect();
        // What others cost in another currency is no part of any sum.
        others.push(Constraint::Currency);
        if let Some((total, _)) = self.cheapest(&others, i64::MAX).found {
            let link = if left < budget { "," } else { ":" };
            words += &format!("{link} the cheapest vendors cost {}", money(total));
        }
        words
    }

    /// "INR", or "INR, USD".
    fn foreign_currencies(&self) -> String {
        let own = self.inquiry.request.budget.currency;
        let vendors = self.fill.entries().map(|(_, entry)| entry.vendor());
        let foreign = vendors.filter_map(Vendor::currency).filter(|currency| *currency != own);
        let codes: BTreeSet<&str> = foreign.map(Currency::code).collect();
        codes.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn required_in_words(&self, index: CategoryIndex) -> String {
        let name = &self.inquiry.categories[index].name;
        let words = format!("{} is required", with_article(name));
        let is_known = self.fill.entries().any(|(category, _)| category == index);
        if is_known {
            return words;
        }
        format!("{words}, and none is known that serves {}", self.inquiry.request.city)
    }

    /// What the scheduler says against the cheapest vendors, and how many it refuses whoever
    /// stands beside them.
    fn timeline_in_words(&mut self, conflict: &[Constraint]) -> String {
        let refusal = self.cheapest(conflict, i64::MAX).refusal;
        let mut words =
            format!("the timeline: {}", refusal.as_deref().unwrap_or("no schedule fits"));
        let (mut refused, mut all) = (BTreeSet::new(), BTreeSet::new());
        let fill = self.fill;
        for (index, entry) in fill.entries().filter(|(index, _)| is_meant(*index, conflict)) {
            all.insert(&entry.vendor().id);
            if let Some(Err(_)) = self.schedules.judge(fill, &[(index, *entry)]) {
                refused.insert(&entry.vendor().id);
            }
        }
        if refused.len() > 1 {
            let (refused, all) = (refused.len(), all.len());
            words += &format!("; the times don't suit {refused} of {all} vendors");
        }
        words
    }

    /// "3 of 7 vendors", of the required categories that the conflict names, or of all.
    fn share_of_vendors(&self, constraint: Constraint, conflict: &[Constraint]) -> String {
        let ids = |fails: &dyn Fn(&Candidate<'_>) -> bool| {
            let of = self.fill.entries();
            let of = of.filter(|(index, entry)| is_meant(*index, conflict) && fails(entry));
            of.map(|(_, entry)| &entry.vendor().id).collect::<BTreeSet<_>>().len()
        };
        let (failing, all) = (ids(&|e| e.broken.has(constraint.broken())), ids(&|_| true));
        format!("{failing} of {all} vendors")
    }
}

/// Whether the conflict names the category as required; of one that names none, any.
fn is_meant(index: CategoryIndex, conflict: &[Constraint]) -> bool {
    let named = |constraint: &Constraint| matches!(constraint, Constraint::Required(_));
    !conflict.iter().any(named) || conflict.contains(&Constraint::Required(index))
}

/// `makeup_artist` as "a makeup artist".
pub(crate) fn with_article(category: &Category) -> String {
    let name = category.as_str().replace('_', " ");
    let article = if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {name}")
}

#[cfg(test)]
mod tests {
    use jiff::civil;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::roles::CateringRole,
        engagement::Engagement,
        infeasibility::cheapest_fill::engagements,
        matching::compatibility::AreaTable,
        samples::{any_case, any_timed_case},
        timeline::schedule,
    };
    use model::{CategoryDef, Request, VendorId};

    type Says = fn(&Request, &[CategoryDef], &[Engagement<'_>]) -> Result<(), String>;

    /// Where a venue opens at an hour, nobody's setup there may be long.
    fn setup_is_short(
        _: &Request,
        _: &[CategoryDef],
        engagements: &[Engagement<'_>],
    ) -> Result<(), String> {
        let opens = |e: &Engagement<'_>| e.vendor.policies.as_ref().and_then(|p| p.open_from);
        let is_bound = |e: &&Engagement<'_>| {
            !e.in_house && !matches!(e.category.as_str(), "venue" | "makeup_artist")
        };
        let mut bound = engagements.iter().filter(is_bound);
        let is_late = bound.any(|e| e.vendor.setup_minutes > 200);
        if is_late && engagements.iter().any(|e| opens(e).is_some()) {
            return Err("setup takes too long".into());
        }
        Ok(())
    }

    fn real_time(
        request: &Request,
        categories: &[CategoryDef],
        engagements: &[Engagement<'_>],
    ) -> Result<(), String> {
        let laid_out = schedule(request, categories, engagements);
        if laid_out.has_high() { Err(laid_out.conflicts[0].message.clone()) } else { Ok(()) }
    }

    /// Whether any combination meets the active constraints, by trying them all; the timeline is
    /// asked about whole combinations alone.
    fn can_be_met(conflict: &Conflict<'_, '_, '_>, active: &[Constraint], says: Says) -> bool {
        let inquiry = conflict.inquiry;
        let kept = active.iter().fold(ViolationSet::NOTHING, |all, c| all.and(c.broken()));
        // A venue without decor is out beside a decorator, not where none comes.
        let decor = ViolationSet::only(Violation::Decor);
        let (keeps_decor, kept) = (kept.has(decor), kept.without(decor));
        let musts = &inquiry.request.must_include;
        let has_musts = active.contains(&Constraint::MustInclude) && !musts.is_empty();
        if has_musts && !conflict.fill.impossible().is_empty() {
            return false;
        }
        let mut all: Vec<Vec<(CategoryIndex, Candidate<'_>)>> = vec![vec![]];
        for (index, def) in inquiry.categories.iter().enumerate() {
            let entries = conflict.fill.entries();
            let standing = entries.filter(|(i, e)| *i == index && !e.broken.has(kept));
            let standing: Vec<Candidate<'_>> = standing.map(|(_, entry)| *entry).collect();
            let mut extended = Vec::new();
            for chosen in all {
                let has_kitchen = chosen.iter().any(|(_, e)| e.role == CateringRole::Catering);
                if def.name.as_str() == "caterer" && has_kitchen {
                    extended.push(chosen);
                    continue;
                }
                for entry in &standing {
                    extended.push([&chosen[..], &[(index, *entry)]].concat());
                }
                let required = inquiry.service(&def.name).required;
                if !required || !active.contains(&Constraint::Required(index)) {
                    extended.push(chosen);
                }
            }
            all = extended;
        }
        let limit = conflict.limit(active);
        let has_timeline = active.contains(&Constraint::Timeline);
        all.into_iter().any(|chosen| {
            let decorated = chosen
                .iter()
                .any(|(index, _)| inquiry.categories[*index].name.as_str() == "decorator");
            if keeps_decor && decorated && chosen.iter().any(|(_, e)| e.broken.has(decor)) {
                return false;
            }
            let cost: i64 = chosen.iter().map(|(_, entry)| entry.cost()).sum();
            let stands = |id: &VendorId| chosen.iter().any(|(_, entry)| entry.vendor().id == *id);
            let engaged = engagements(inquiry, &chosen);
            cost <= limit
                && (!has_musts || musts.iter().all(stands))
                && (!has_timeline || says(inquiry.request, inquiry.categories, &engaged).is_ok())
        })
    }

    /// Not to be met as it stands, and to be met without any one of it; never empty where the
    /// request can't be met.
    fn check(inquiry: &PlanningInput<'_>, says: Says) -> Result<(), TestCaseError> {
        let fill = CheapestFill::of(inquiry, &AreaTable::new(inquiry.areas), inquiry.vendors);
        let mut timeline = says;
        let mut schedules = Schedules::new(&mut timeline, u32::MAX);
        let mut conflict = Conflict { inquiry, fill: &fill, schedules: &mut schedules };
        let (minimal, all) = (conflict.minimal(), conflict.all());
        prop_assert_eq!(minimal.is_empty(), can_be_met(&conflict, &all, says));
        if !minimal.is_empty() {
            prop_assert!(!can_be_met(&conflict, &minimal, says), "{:?}", minimal);
        }
        for constraint in &minimal {
            let rest: Vec<_> = minimal.iter().copied().filter(|c| c != constraint).collect();
            prop_assert!(can_be_met(&conflict, &rest, says), "{:?} of {:?}", constraint, minimal);
            prop_assert!(!conflict.in_words(*constraint, &minimal).is_empty());
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn a_conflict_is_minimal(mut case in any_case(3)) {
            for venue in case.vendors.iter_mut().map(|sourced| &mut sourced.vendor) {
                if let Some(policies) = venue.policies.as_mut().filter(|_| venue.lead_days > 20) {
                    policies.open_from = Some(civil::time(8, 0, 0, 0));
                }
            }
            check(&case.inquiry(), setup_is_short)?;
        }

        #[test]
        fn a_conflict_with_the_clock_is_minimal(case in any_timed_case(2)) {
            check(&case.inquiry(), real_time)?;
        }
    }
}
