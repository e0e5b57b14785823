//! Everything that the domain half of planning judges vendors by.

use jiff::civil;

use crate::model::{
    AreaMap, Category, CategoryDef, Request, Requirements, Service, Shares, Sourced,
};

/// The category whose vendors may also cater.
pub const VENUE: &str = "venue";
/// The category whose place a venue's own kitchen can fill.
pub const CATERER: &str = "caterer";

/// A request with what the agents found out about it, and the vendors to choose from.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'a> {
    pub request: &'a Request,
    pub requirements: &'a Requirements,
    /// The requested categories, by position.
    pub categories: &'a [CategoryDef],
    pub areas: &'a AreaMap,
    /// One per strategy; at least one.
    pub shares: &'a [Shares],
    /// In any order; vendors of categories that are not requested are left aside.
    pub vendors: &'a [Sourced],
    /// The day of planning: lead times count from it.
    pub today: civil::Date,
}

impl<'a> Inquiry<'a> {
    /// The ordinal of a requested category.
    pub fn index_of(&self, category: &str) -> Option<usize> {
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
    pub fn weight_sum(&self) -> f64 {
        self.categories.iter().map(|def| self.service(&def.name).weight).sum()
    }

    /// Budget × (1 − contingency) in minor units, not rounded: what shares are taken of.
    pub fn spendable(&self) -> f64 {
        let keep = 10_000 - self.request.contingency.basis_points.min(10_000);
        self.request.budget.amount.minor as f64 * f64::from(keep) / 10_000.0
    }
}
