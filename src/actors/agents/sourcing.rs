//! The sourcing agents: one query per category, all of them in one message, each for the complete
//! set of vendors that meet the hard constraints. The planner's bound rests on its completeness.

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use model::{AreaMap, CategoryDef, PlanId, Request, Sourced};
use store::{Reach, SourcingQuery};

pub const NAME: &str = "sourcing";

/// What the request's event asks of each category's vendors. The bookings of the plan that
/// `holds` the event's vendors now are in nobody's way.
pub fn queries(
    request: &Request,
    categories: &[CategoryDef],
    today: Date,
    reach: Reach,
    holds: Option<PlanId>,
) -> Vec<SourcingQuery> {
    // The database knows of one date and one number of guests; what functions ask for is checked
    // against all vendors, by the planner.
    let reach = if request.functions.is_empty() { reach } else { Reach::Relaxed };
    let query = |definition: &CategoryDef| SourcingQuery {
        category: definition.name.clone(),
        city: request.city.clone(),
        guests: request.guests,
        window: request.time.window(),
        date: request.time.date,
        time_zone: request.time.time_zone.clone(),
        today,
        currency: request.budget.currency,
        exclude: request.exclude.clone(),
        for_plan: holds,
        reach,
    };
    categories.iter().map(query).collect()
}

/// The cities whose areas matter: the event's, and those that travelling vendors come from.
pub fn cities(request: &Request, found: &[Arc<Vec<Sourced>>]) -> Vec<String> {
    let own = std::iter::once(request.city.as_str());
    let theirs = found.iter().flat_map(|vendors| vendors.iter()).map(|v| v.vendor.city.as_str());
    let all: BTreeSet<&str> = own.chain(theirs).collect();
    all.into_iter().map(str::to_owned).collect()
}

/// What a plan's search is given.
#[derive(Clone)]
pub(crate) struct SourcedVendors {
    /// By category; shared with the query cache and with every plan that waits for its models.
    pub found: Vec<Arc<Vec<Sourced>>>,
    pub areas: Arc<AreaMap>,
}
