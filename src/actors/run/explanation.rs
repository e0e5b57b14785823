//! Why a plan's request can't be met: of the vendors that serve its city, whatever stands against
//! them. Those of another city are kept apart: they count for a move there alone.

use super::{
    context::{RunContext, RunError},
    search_run::{self, SearchInput},
};
use crate::{
    agents::sourcing::SourcedVendors,
    vendor_search::messages::{GetNearestCities, GetServedCities},
};
use model::Infeasibility;
use planning::domain::neighbours::{Neighbours, ServedCity, neighbours};
use store::{Plan, Reach, ServedCities};

/// Other cities that are looked at, at most, the nearest first: each costs a sourcing of its own.
const CITIES_TRIED: u16 = 16;

/// Asks why nothing is feasible, and what would help.
///
/// # Errors
/// What keeps the database from answering, and a panic of the explanation.
pub(crate) async fn explain(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
) -> Result<Infeasibility, RunError> {
    let supply = source(context, plan, input, Reach::Relaxed).await?;
    // Where no city offers anything that is wanted, it is not the city's fault.
    let neighbours = match supply.found.iter().all(|vendors| vendors.is_empty()) {
        true => Some(neighbours_of(context, plan, input).await?),
        false => None,
    };
    let neighbours = neighbours.filter(|neighbours| !neighbours.order.is_empty());
    let cities = match &neighbours {
        Some(neighbours) => neighbours.order.iter().take(CITIES_TRIED.into()).cloned().collect(),
        None => nearest_cities(context, plan, input).await?,
    };
    let elsewhere = nearest_elsewhere(context, plan, input, &cities).await?;
    let relaxed = SearchInput { supply, ..input.clone() };
    let explain = move || search_run::explain(&relaxed, elsewhere.as_ref());
    let mut explained = compute(context, explain).await?;
    if explained.conflicts.is_empty() {
        // Never an answer. Another run sees what changed meanwhile; if nothing did, one is wrong.
        let message = "the search found no combination of vendors, but the explanation finds one";
        return Err(RunError::Failed(message.into()));
    }
    if let Some(neighbours) = neighbours {
        blame_city(&mut explained, neighbours);
    }
    Ok(explained)
}

/// A city that nobody serves is the conflict, whatever else is asked for; and one that is known
/// by another name needs no move.
fn blame_city(explained: &mut Infeasibility, neighbours: Neighbours) {
    explained.conflicts = vec![neighbours.statement];
    let Some(same) = neighbours.same else { return };
    let (to_move, to_rename) = (format!("move to {same}"), format!("call the city {same}"));
    for way in &mut explained.relaxations {
        way.advice = way.advice.replace(&to_move, &to_rename);
    }
}

async fn neighbours_of(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
) -> Result<Neighbours, RunError> {
    let city = plan.request.city.clone();
    let categories = input.categories.iter().map(|category| category.name.clone()).collect();
    let asked = GetServedCities { city: city.clone(), categories };
    let ServedCities { here, others } = context.peers.vendors.ask(asked).await?;
    let served = others.into_iter().map(|(name, centre)| ServedCity { name, centre });
    let served: Vec<ServedCity> = served.collect();
    compute(context, move || neighbours(&city, here, &served)).await
}

async fn nearest_cities(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
) -> Result<Vec<String>, RunError> {
    let categories = input.categories.iter().map(|category| category.name.clone()).collect();
    let near =
        GetNearestCities { city: plan.request.city.clone(), categories, limit: CITIES_TRIED };
    Ok(context.peers.vendors.ask(near).await?)
}

/// The same input in the first of the cities in which the request can be met; where there is none,
/// in the first one with all its vendors, for pairs of changes.
async fn nearest_elsewhere(
    context: &RunContext,
    plan: &Plan,
    input: &SearchInput,
    cities: &[String],
) -> Result<Option<SearchInput>, RunError> {
    for city in cities {
        let there = moved(plan, city);
        let supply = source(context, &there, input, Reach::Feasible).await?;
        let moved = SearchInput { request: there.request, supply, ..input.clone() };
        let judged = moved.clone();
        if compute(context, move || search_run::can_be_met(&judged)).await? {
            return Ok(Some(moved));
        }
    }
    let Some(nearest) = cities.first() else { return Ok(None) };
    let there = moved(plan, nearest);
    let supply = source(context, &there, input, Reach::Relaxed).await?;
    Ok(Some(SearchInput { request: there.request, supply, ..input.clone() }))
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
) -> Result<SourcedVendors, RunError> {
    let limits = context.agent_limits(plan.id);
    let sourcing = context.peers.source(plan, &input.categories, input.today, reach, limits);
    Ok(sourcing.await?)
}

async fn compute<T: Send + 'static>(
    context: &RunContext,
    judge: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let judged = context.work.compute(judge).await;
    judged.map_err(|panicked| RunError::Failed(format!("the explanation failed: {panicked}")))
}
