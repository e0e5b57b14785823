//! What conflicts, in plain words.

use std::collections::BTreeSet;

use super::{
    cheapest_fill::{CheapestFill, Schedules},
    conflicts::{Conflict, Constraint},
};
use crate::{
    domain::{input::PlanningInput, policies::drinks_wanted, roles::Candidate},
    problem::CategoryIndex,
};
use model::{Amount, Category, Currency, Vendor, grouped};

/// A minimal set of conflicting constraints, each as a statement; empty where the request is
/// feasible.
pub(crate) fn minimal_conflict(
    input: &PlanningInput<'_>,
    fill: &CheapestFill<'_, '_>,
    schedules: &mut Schedules<'_, '_>,
) -> Vec<String> {
    let mut conflict = Conflict { input, fill, schedules };
    let minimal = conflict.minimal();
    minimal.iter().map(|&constraint| conflict.in_words(constraint, &minimal)).collect()
}

impl Conflict<'_, '_, '_> {
    pub(crate) fn in_words(&mut self, constraint: Constraint, conflict: &[Constraint]) -> String {
        let request = self.input.request;
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
        let request = self.input.request;
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
        let own = self.input.request.budget.currency;
        let vendors = self.fill.candidates().map(|(_, candidate)| candidate.vendor());
        let foreign = vendors.filter_map(Vendor::currency).filter(|currency| *currency != own);
        let codes: BTreeSet<&str> = foreign.map(Currency::code).collect();
        codes.into_iter().collect::<Vec<_>>().join(", ")
    }

    fn required_in_words(&self, index: CategoryIndex) -> String {
        let name = &self.input.categories[index].name;
        let words = format!("{} is required", with_article(name));
        let is_known = self.fill.candidates().any(|(category, _)| category == index);
        if is_known {
            return words;
        }
        format!("{words}, and none is known that serves {}", self.input.request.city)
    }

    /// What the scheduler says against the cheapest vendors, and how many it refuses whoever
    /// stands beside them.
    fn timeline_in_words(&mut self, conflict: &[Constraint]) -> String {
        let refusal = self.cheapest(conflict, i64::MAX).refusal;
        let mut words =
            format!("the timeline: {}", refusal.as_deref().unwrap_or("no schedule fits"));
        let (mut refused, mut all) = (BTreeSet::new(), BTreeSet::new());
        let fill = self.fill;
        for (index, candidate) in fill.candidates().filter(|(index, _)| is_meant(*index, conflict))
        {
            all.insert(&candidate.vendor().id);
            if let Some(Err(_)) = self.schedules.ask(fill, &[(index, *candidate)]) {
                refused.insert(&candidate.vendor().id);
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
            let of = self.fill.candidates();
            let of = of.filter(|(index, candidate)| is_meant(*index, conflict) && fails(candidate));
            of.map(|(_, candidate)| &candidate.vendor().id).collect::<BTreeSet<_>>().len()
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
