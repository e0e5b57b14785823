//! `eventplannerctl plan replan`, and how `plan submit` and it wait for their options.

use super::{
    args::ReplanArgs,
    error::CtlError,
    plan::{WAIT, is_lost},
    session::Session,
};
use crate::control::{
    PlanView, Replan, Reply, follow_plan,
    show::{Look, Progress, plan_text},
};

/// Runs the command; returns the exit code.
pub async fn replan(session: &Session, args: ReplanArgs) -> Result<u8, CtlError> {
    let ReplanArgs { id, without, guests, budget, date, wait, key } = args;
    let change = Replan { without, guests, budget, date };
    let document = serde_json::to_vec(&change).map_err(|e| CtlError::failed(e.to_string()))?;
    let path = format!("/v1/plans/{id}/replan");
    let submitted = session.client.submit_to(&path, document, key.as_deref()).await?;
    finish(session, submitted, wait).await
}

/// Prints a plan that was just submitted, or waits for its options.
pub async fn finish(
    session: &Session,
    submitted: Reply<PlanView>,
    wait: bool,
) -> Result<u8, CtlError> {
    if !wait {
        let text = |plan: &PlanView, _| {
            format!("plan {} is {}\nnext: eventplannerctl plan watch {0}\n", plan.id, plan.state)
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
