//! Why a plan's request can't be met: the vendors that serve its city, whatever stands against
//! them, and those of another city where the request could be met as it stands.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    agents::sourcing::Supply,
    run_context::{RunContext, RunError},
    search_run::{self, SearchInput},
    vendor_messages::GetNearestCities,
};
use crate::{
    model::{AreaMap, Infeasibility, Sourced, VendorId},
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
    let mut supply = source(context, plan, input, Reach::Relaxed).await?;
    if let Some(elsewhere) = supply_elsewhere(context, plan, input).await? {
        supply = joined(supply, elsewhere);
    }
    let relaxed = SearchInput { supply, ..input.clone() };
    compute(context, move || search_run::explain(&relaxed)).await
}

/// Both supplies. Who travels serves both cities; `here` knows when they are busy.
fn joined(here: Supply, elsewhere: Supply) -> Supply {
    let vendors = |found: &[Arc<Vec<Sourced>>]| -> BTreeSet<VendorId> {
        found.iter().flat_map(|vendors| vendors.iter()).map(|s| s.vendor.id.clone()).collect()
    };
    let known = vendors(&here.found);
    let is_new = |sourced: &&Sourced| !known.contains(&sourced.vendor.id);
    let new = elsewhere.found.iter().map(|vendors| {
        let all_new = vendors.iter().all(|sourced| is_new(&sourced));
        if all_new {
            vendors.clone()
        } else {
            Arc::new(vendors.iter().filter(is_new).cloned().collect())
        }
    });
    let mut found = here.found;
    found.extend(new);
    let areas = AreaMap::clone(&here.areas).joined(AreaMap::clone(&elsewhere.areas));
    Supply { found, areas: Arc::new(areas) }
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
        let moved = SearchInput { request: there.request, supply: supply.clone(), ..input.clone() };
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
