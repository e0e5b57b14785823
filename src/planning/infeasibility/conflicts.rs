//! Constraints of a request that cannot hold together.

use super::cheapest_fill::{Cheapest, CheapestFill, Relaxed, Schedules};
use crate::{
    domain::{
        input::PlanningInput,
        violation::{Violation, ViolationSet},
    },
    problem::CategoryIndex,
};

/// What can be given up one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
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
    pub(crate) fn broken(self) -> ViolationSet {
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

/// A request, and what can be asked about it.
pub(crate) struct Conflict<'c, 's, 't> {
    pub input: &'c PlanningInput<'c>,
    pub fill: &'c CheapestFill<'c, 'c>,
    pub schedules: &'c mut Schedules<'s, 't>,
}

impl<'c> Conflict<'c, '_, '_> {
    /// A minimal set of conflicting constraints, by deletion: each constraint is given up in turn,
    /// and taken back where the others can be met without it. So the rest can't be met, and any
    /// part of it can. Empty where the request is feasible. Constraints that clients seldom think
    /// of are given up first. Where the schedules that may be asked for don't suffice to tell, a
    /// constraint stays.
    pub(crate) fn minimal(&mut self) -> Vec<Constraint> {
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
    pub(crate) fn all(&self) -> Vec<Constraint> {
        let needs = 0..self.input.request.preferences.dietary.len();
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
        let of_vendors = self.fill.candidates().map(|(_, candidate)| candidate.broken);
        let broken = of_vendors.fold(ViolationSet::NOTHING, ViolationSet::and);
        all.retain(|constraint| match constraint {
            Constraint::Timeline | Constraint::Budget => true,
            Constraint::MustInclude => !self.input.request.must_include.is_empty(),
            other => broken.has(other.broken()),
        });
        let categories = self.input.categories.iter().enumerate();
        let required = categories.filter(|(_, def)| self.input.service(&def.name).required);
        all.extend(required.map(|(index, _)| Constraint::Required(index)));
        all
    }

    /// What may be spent while these are active, in minor units.
    pub(crate) fn limit(&self, active: &[Constraint]) -> i64 {
        let budget = active.contains(&Constraint::Budget);
        if budget { self.input.request.spendable_minor() } else { i64::MAX }
    }

    /// The cheapest combination up to `most` that meets the active constraints but the budget.
    pub(crate) fn cheapest(&mut self, active: &[Constraint], most: i64) -> Cheapest<'c> {
        let required = (0..self.input.categories.len()).map(Constraint::Required);
        let given_up = self.all().into_iter().filter(|constraint| !active.contains(constraint));
        let relaxed = Relaxed {
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
        self.fill.cheapest(&relaxed, most, schedules)
    }
}
