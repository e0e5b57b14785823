//! The roles that vendors can take, what stands against each, and what it costs.

use super::{
    constraints::Rules,
    input::{CATERER, DECORATOR, PlanningInput, VENUE},
    policies::{decorates_venue, takes_decor},
    quote::{Scope, total},
    violation::{Violation, ViolationSet},
};
use crate::{matching::compatibility::AreaTable, problem::CategoryIndex};
use model::{CategoryDef, CateringPolicy, Sourced, Vendor, VendorId};

/// What a vendor does as a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CateringRole {
    /// Nobody: an optional category is left out.
    Skip,
    /// The service of a category other than `venue`.
    Service,
    /// A venue without its kitchen.
    Rental,
    /// A venue with its kitchen, which then also fills the caterer's place.
    Catering,
}

/// A vendor in a role, with all that stands against it and what it costs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    pub sourced: &'a Sourced,
    pub role: CateringRole,
    pub broken: ViolationSet,
    /// In its own place, in minor units of the budget's currency. 0 for a vendor of another one:
    /// whatever it costs takes nothing off this budget, and only a plan that doesn't insist on
    /// the currency can have it.
    pub quote: i64,
    /// In the caterer's place, the same; 0 unless it caters.
    pub plates: i64,
}

impl<'a> Candidate<'a> {
    pub(crate) fn vendor(&self) -> &'a Vendor {
        &self.sourced.vendor
    }

    /// In minor units.
    pub(crate) fn cost(&self) -> i64 {
        self.quote.saturating_add(self.plates)
    }
}

/// Puts vendors into roles.
pub(crate) struct Roles<'i, 'a> {
    input: &'i PlanningInput<'a>,
    rules: Rules<'a>,
    must_include: &'i MustInclude<'a>,
    caterer: Option<CategoryIndex>,
    /// A decorator must come to the venue.
    must_decorate: bool,
}

impl<'i, 'a> Roles<'i, 'a> {
    pub(crate) fn new(
        input: &'i PlanningInput<'a>,
        areas: &AreaTable,
        must_include: &'i MustInclude<'a>,
    ) -> Self {
        let rules = Rules::new(input, areas);
        let must_come =
            |index: CategoryIndex| !must_include.may_skip(input, &input.categories[index], index);
        let must_decorate =
            decorates_venue(input) && input.index_of(DECORATOR).is_some_and(must_come);
        Self { input, rules, must_include, caterer: input.index_of(CATERER), must_decorate }
    }

    /// Whether the vendor can't keep the event's times, whoever else is engaged.
    pub(crate) fn clashes(&self, index: CategoryIndex, vendor: &Vendor) -> bool {
        self.rules.clashes(&self.input.categories[index], vendor)
    }

    /// The roles that a vendor's category and price list offer (none: e.g. a hall sold with
    /// plates only, where no caterer is wanted), with the constraints that each would break.
    pub(crate) fn of(
        &self,
        index: CategoryIndex,
        sourced: &'a Sourced,
    ) -> impl Iterator<Item = Candidate<'a>> + use<'a> {
        let vendor = &sourced.vendor;
        let mut broken = self.rules.broken(&self.input.categories[index], sourced);
        if self.must_include.of_category(Some(index)).is_some_and(|id| *id != vendor.id) {
            broken = broken.and(ViolationSet::only(Violation::NotMustInclude));
        }
        let is_venue = vendor.category.as_str() == VENUE;
        if is_venue && self.must_decorate && !takes_decor(vendor) {
            broken = broken.and(ViolationSet::only(Violation::Decor));
        }
        let roles = if is_venue {
            [self.rental(sourced), self.catering(sourced)]
        } else {
            [Some(self.service(sourced)), None]
        };
        let spendable = self.input.request.spendable_minor();
        roles.into_iter().flatten().map(move |mut candidate| {
            candidate.broken = candidate.broken.and(broken);
            if candidate.cost() > spendable {
                candidate.broken = candidate.broken.and(ViolationSet::only(Violation::OverBudget));
            }
            candidate
        })
    }

    fn service(&self, sourced: &'a Sourced) -> Candidate<'a> {
        let vendor = &sourced.vendor;
        let is_eaten = vendor.category.as_str() == CATERER;
        let broken = match is_eaten {
            true => self.rules.unserved_diets(vendor, Scope::Whole),
            false => ViolationSet::NOTHING,
        };
        let quote = self.quote(vendor, Scope::Whole);
        Candidate { sourced, role: CateringRole::Service, broken, quote, plates: 0 }
    }

    fn rental(&self, sourced: &'a Sourced) -> Option<Candidate<'a>> {
        let vendor = &sourced.vendor;
        if !Scope::Rental.is_priced(vendor) {
            return None;
        }
        let forbids = self.caterer.is_some() && vendor.catering() == CateringPolicy::InHouse;
        let broken =
            if forbids { ViolationSet::only(Violation::Catering) } else { ViolationSet::NOTHING };
        let quote = self.quote(vendor, Scope::Rental);
        Some(Candidate { sourced, role: CateringRole::Rental, broken, quote, plates: 0 })
    }

    fn catering(&self, sourced: &'a Sourced) -> Option<Candidate<'a>> {
        let vendor = &sourced.vendor;
        let caterer = &self.input.categories[self.caterer?];
        if !Scope::Plates.is_priced(vendor) {
            return None;
        }
        let mut broken = self.rules.unserved_diets(vendor, Scope::Plates);
        // The kitchen works where a caterer would, which may be on other days.
        broken = broken.and(self.rules.away(caterer, sourced));
        if vendor.catering() == CateringPolicy::Outside {
            broken = broken.and(ViolationSet::only(Violation::Catering));
        }
        // An outside caterer that must come rules the venue's kitchen out.
        if self.must_include.of_category(self.caterer).is_some() {
            broken = broken.and(ViolationSet::only(Violation::NotMustInclude));
        }
        let quote = self.quote(vendor, Scope::Rental);
        let plates = self.quote(vendor, Scope::Plates);
        Some(Candidate { sourced, role: CateringRole::Catering, broken, quote, plates })
    }

    fn quote(&self, vendor: &Vendor, scope: Scope) -> i64 {
        let request = self.input.request;
        let total = total(request, &vendor.category, vendor, scope);
        total.and_then(|total| total.minor_in(request.budget.currency)).unwrap_or(0)
    }
}

/// What `must_include` asks for.
pub(crate) struct MustInclude<'a> {
    /// Per category: the vendor that must fill it.
    by_category: Vec<Option<&'a VendorId>>,
    /// What makes the request infeasible on its own.
    pub impossible: Vec<String>,
}

impl<'a> MustInclude<'a> {
    pub(crate) fn of(input: &PlanningInput<'a>) -> Self {
        let mut by_category = vec![None; input.categories.len()];
        let mut impossible = Vec::new();
        for id in &input.request.must_include {
            let Some(sourced) = input.vendors.iter().find(|sourced| sourced.vendor.id == *id)
            else {
                impossible.push(format!(
                    "must_include names `{id}`, which is not among the vendors for this request"
                ));
                continue;
            };
            let category = &sourced.vendor.category;
            let Some(index) = input.index_of(category.as_str()) else {
                impossible
                    .push(format!("must_include names `{id}`, but no {category} is requested"));
                continue;
            };
            match by_category[index] {
                None => by_category[index] = Some(id),
                Some(first) => impossible.push(format!(
                    "must_include names `{first}` and `{id}`, but there is one place for a \
                     {category}"
                )),
            }
        }
        Self { by_category, impossible }
    }

    /// Whether a vendor must fill the category.
    pub(crate) fn is_forced(&self, index: CategoryIndex) -> bool {
        self.of_category(Some(index)).is_some()
    }

    /// Whether a category may be left out: an optional one that no vendor must fill.
    pub(crate) fn may_skip(
        &self,
        input: &PlanningInput<'_>,
        def: &CategoryDef,
        index: usize,
    ) -> bool {
        !input.service(&def.name).required && !self.is_forced(index)
    }

    fn of_category(&self, index: Option<CategoryIndex>) -> Option<&'a VendorId> {
        self.by_category.get(index?).copied().flatten()
    }
}
