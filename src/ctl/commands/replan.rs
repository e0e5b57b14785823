//! `eventplannerctl plan replan`, and how `plan submit` and it wait for their options.

use std::collections::BTreeMap;

use super::plan::{WAIT, is_lost};
use crate::{
    args::{ReplanArgs, values::Guests},
    error::CtlError,
    session::Session,
};
use control::{
    Reply, follow_plan,
    show::{Look, Progress, guests_text, plan_text},
};
use wire::{ApiError, PlanView, Replan};

/// Runs the command; returns the exit code.
pub(crate) async fn replan(session: &Session, args: ReplanArgs) -> Result<u8, CtlError> {
    let ReplanArgs { id, without, guests, budget, date, wait, key } = args;
    let (guests, function_guests) = numbers(guests)?;
    let change = Replan { without, guests, function_guests, budget, date };
    let document = serde_json::to_vec(&change).map_err(|e| CtlError::failed(e.to_string()))?;
    let path = format!("/v1/plans/{id}/replan");
    let submitted = session.client.submit_to(&path, document, key.as_deref()).await?;
    finish(session, submitted, wait).await
}

/// The event's number, and those of single functions.
fn numbers(given: Vec<Guests>) -> Result<(Option<i64>, BTreeMap<String, i64>), CtlError> {
    let (mut event, mut functions) = (None, BTreeMap::new());
    for Guests { function, number } in given {
        let (what, before) = match function {
            None => ("the event".to_owned(), event.replace(number)),
            Some(name) => (format!("`{name}`"), functions.insert(name, number)),
        };
        if before.is_some() {
            let message = format!("stands twice for {what}");
            return Err(CtlError::Failed(ApiError::invalid("guests", message, "give it once")));
        }
    }
    Ok((event, functions))
}

/// Prints a plan that was just submitted, or waits for its options.
pub(crate) async fn finish(
    session: &Session,
    submitted: Reply<PlanView>,
    wait: bool,
) -> Result<u8, CtlError> {
    if !wait {
        let text = |plan: &PlanView, _| {
            let (id, state) = (plan.id, plan.state);
            let numbers = guests_text(plan);
            format!("plan {id} is {state}\n{numbers}next: eventplannerctl plan watch {id}\n")
        };
        session.print(&submitted, text)?;
        return Ok(0);
    }
    let progress = Progress::new(Look::of_stderr());
    let id = submitted.value.id;
    let limit = session.timeout_or(WAIT);
    let settled = follow_plan(&session.client, id, 0, limit, |event| progress.event(event)).await?;
    progress.finish();
    session.print(&settled, plan_text)?;
    Ok(u8::from(is_lost(settled.value.state)))
}
