//! Why a plan's request can't be met: the vendors that serve its city, whatever stands against
//! them, and those of another city where the request could be met as it stands.

use std::collections::BTreeSet;

use super::{
    agents::sourcing::Supply,
    run_context::{RunContext, RunError},
    search_run::{self, SearchInput},
    vendor_messages::GetNearestCities,
};
use crate::{
    model::{Infeasibility, Sourced, VendorId},
    store::{Plan, Reach},
};

/// Other cities that are looked at, at most, the nearest first: each costs a sourcing of its own.
const CITIES_TRIED: u16 = 16;

/// Asks why nothing is feasible, and what would help.
///
/// # Errors
/// What keeps the database from answering, and a panic of the explanation.
pub async fn explain(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
) -> Result<Infeasibility, RunError> {
    let here = source(context, plan, input, Reach::Relaxed).await?;
    let (mut vendors, mut areas) = (here.vendors(), here.areas);
    if let Some(elsewhere) = supply_elsewhere(context, plan, input).await? {
        // Who travels serves both cities; the first sourcing knows when they are busy.
        let known: BTreeSet<VendorId> = vendors.iter().map(|s| s.vendor.id.clone()).collect();
        let is_new = |sourced: &Sourced| !known.contains(&sourced.vendor.id);
        vendors.extend(elsewhere.vendors().into_iter().filter(is_new));
        areas = areas.joined(elsewhere.areas);
    }
    let relaxed = SearchInput { vendors, areas, ..input.clone() };
    compute(context, move || search_run::explain(&relaxed)).await
}

/// The supply of the nearest other city in which the request can be met; where there is none, the
/// nearest one's, for pairs of changes.
async fn supply_elsewhere(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
) -> Result<Option<Supply>, RunError> {
    let categories = input.categories.iter().map(|category| category.name.clone()).collect();
    let near =
        GetNearestCities { city: plan.request.city.clone(), categories, limit: CITIES_TRIED };
    let cities = context.peers.vendors.ask(near).await?;
    for city in &cities {
        let there = moved(plan, city);
        let supply = source(context, &there, input, Reach::Feasible).await?;
        let (vendors, areas) = (supply.vendors(), supply.areas.clone());
        let moved = SearchInput { request: there.request, vendors, areas, ..input.clone() };
        if compute(context, move || search_run::can_be_met(&moved)).await? {
            return Ok(Some(supply));
        }
    }
    let Some(nearest) = cities.first() else { return Ok(None) };
    source(context, &moved(plan, nearest), input, Reach::Relaxed).await.map(Some)
}

/// The same plan in another city.
fn moved(plan: &Plan, city: &str) -> Plan {
    let mut there = plan.clone();
    there.request.city = city.to_owned();
    there
}

async fn source(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
    reach: Reach,
) -> Result<Supply, RunError> {
    let limits = context.briefing_limits(plan.id);
    let sourcing = context.peers.source(plan, &input.categories, input.today, reach, limits);
    Ok(sourcing.await?.0)
}

async fn compute<T: Send + 'static>(
    context: &RunContext,
    judge: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let judged = context.work.compute(judge).await;
    judged.map_err(|panicked| RunError::Failed(format!("the explanation failed: {panicked}")))
}
