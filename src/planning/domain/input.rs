//! Everything that the domain half of planning judges vendors by.

use std::{
    iter::{Chain, FlatMap},
    slice,
    sync::Arc,
};

use jiff::civil;

use model::{AreaMap, Category, CategoryDef, Request, Requirements, Service, Shares, Sourced};

/// The category whose vendors may also cater.
pub(crate) const VENUE: &str = "venue";
/// The category whose place a venue's own kitchen can fill.
pub(crate) const CATERER: &str = "caterer";
/// The category that a venue may keep out.
pub(crate) const DECORATOR: &str = "decorator";

/// A request with what the agents found out about it, and the vendors to choose from.
#[derive(Clone, Copy, Debug)]
pub struct PlanningInput<'a> {
    pub request: &'a Request,
    pub requirements: &'a Requirements,
    /// The requested categories, by position.
    pub categories: &'a [CategoryDef],
    pub areas: &'a AreaMap,
    /// One per strategy; at least one.
    pub shares: &'a [Shares],
    /// In any order; vendors of categories that are not requested are left aside.
    pub vendors: Vendors<'a>,
    /// The day of planning: lead times count from it.
    pub today: civil::Date,
}

type Shared<'a> = FlatMap<
    slice::Iter<'a, Arc<Vec<Sourced>>>,
    slice::Iter<'a, Sourced>,
    fn(&'a Arc<Vec<Sourced>>) -> slice::Iter<'a, Sourced>,
>;

/// Vendor by vendor, in their order.
pub(crate) type VendorIter<'a> = Chain<slice::Iter<'a, Sourced>, Shared<'a>>;

/// The vendors to choose from: where they lie, so that nobody copies thousands of them for a plan.
#[derive(Clone, Copy, Debug)]
pub struct Vendors<'a> {
    list: &'a [Sourced],
    shared: &'a [Arc<Vec<Sourced>>],
}

impl<'a> Vendors<'a> {
    pub fn iter(self) -> VendorIter<'a> {
        let of_list: fn(&'a Arc<Vec<Sourced>>) -> slice::Iter<'a, Sourced> = |list| list.iter();
        self.list.iter().chain(self.shared.iter().flat_map(of_list))
    }
}

impl<'a> IntoIterator for Vendors<'a> {
    type Item = &'a Sourced;
    type IntoIter = VendorIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> From<&'a Vec<Sourced>> for Vendors<'a> {
    fn from(list: &'a Vec<Sourced>) -> Self {
        Self { list, shared: &[] }
    }
}

impl<'a> From<&'a Vec<Arc<Vec<Sourced>>>> for Vendors<'a> {
    fn from(shared: &'a Vec<Arc<Vec<Sourced>>>) -> Self {
        Self { list: &[], shared }
    }
}

impl<'a> PlanningInput<'a> {
    /// The ordinal of a requested category.
    pub(crate) fn index_of(&self, category: &str) -> Option<usize> {
        self.categories.iter().position(|def| def.name.as_str() == category)
    }

    /// What the request wants of a category; required, of weight 1, where it says nothing.
    pub fn service(&self, category: &Category) -> Service {
        let wanted = self.request.services.get(category).copied();
        wanted.unwrap_or(Service { required: true, weight: 1.0, quantity: 1 })
    }

    /// Unordered pairs of requested categories.
    pub fn pairs(&self) -> usize {
        let n = self.categories.len();
        n * n.saturating_sub(1) / 2
    }

    /// Σ weights over the requested categories, in category order.
    pub(crate) fn weight_sum(&self) -> f64 {
        self.categories.iter().map(|def| self.service(&def.name).weight).sum()
    }

    /// Budget × (1 − contingency) in minor units, not rounded: what shares are taken of.
    pub fn spendable(&self) -> f64 {
        let keep = 10_000 - self.request.contingency.basis_points.min(10_000);
        self.request.budget.amount.minor as f64 * f64::from(keep) / 10_000.0
    }
}
