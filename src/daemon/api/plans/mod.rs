//! Plans: submit, list, show, select, cancel.

pub(crate) mod documents;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod history;

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, http::header, web::Data};
use events::settled;
use serde::Deserialize;

use super::{
    body::{Document, Json, Params, page_limit},
    path::PlanPath,
};
use crate::serving::{
    context::Context,
    failure::{Answer, Failure},
    peer::{Admin, Peer},
};
use actors::{
    coordinator::{
        CancelPlan, GetPlan, GetProof, ListPlans, ReplanPlan, SelectOption, SubmitPlan, Submitted,
    },
    vendor_search::messages::ForgetStale,
};
use control::parse_duration;
use store::LIST_LIMIT_MAX;
use wire::{ApiError, ErrorCode, IdempotencyKey, PlanList, PlanQuery};

/// Priorities lie within plus and minus this.
const PRIORITY_MAX: i16 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubmitQuery {
    #[serde(default)]
    priority: i16,
}

/// 202 with the queued plan; 200 where its idempotency key came before. `?priority=`: higher goes
/// first; only those who administer may go before the others.
pub(super) async fn submit(
    context: Data<Context>,
    peer: Peer,
    request: HttpRequest,
    Params(SubmitQuery { priority }): Params<SubmitQuery>,
    Document(document): Document,
) -> Answer {
    context.actors.gate.precheck(peer.uid, peer.pid).await?;
    let idempotency_key = idempotency_key(&request)?;
    let admits = priority <= 0 || context.admins.includes(peer.uid);
    check_priority(priority, admits)?;
    let message = SubmitPlan { document, idempotency_key, priority, uid: peer.uid };
    Ok(accepted(context.actors.coordinator.ask(message).await?))
}

/// As `submit`, with a plan that stands in for an earlier one.
pub(super) async fn replan(
    context: Data<Context>,
    peer: Peer,
    request: HttpRequest,
    PlanPath(id): PlanPath,
    Json(change): Json<wire::Replan>,
) -> Answer {
    context.actors.gate.precheck(peer.uid, peer.pid).await?;
    let idempotency_key = idempotency_key(&request)?;
    let message = ReplanPlan { id, change, idempotency_key, uid: peer.uid };
    Ok(accepted(context.actors.coordinator.ask(message).await?))
}

fn accepted(submitted: Submitted) -> HttpResponse {
    let location = format!("/v1/plans/{}", submitted.plan.id);
    let mut response =
        if submitted.created { HttpResponse::Accepted() } else { HttpResponse::Ok() };
    response.insert_header((header::LOCATION, location)).json(submitted.plan)
}

pub(super) async fn list(context: Data<Context>, Params(query): Params<PlanQuery>) -> Answer {
    page_limit(query.limit, LIST_LIMIT_MAX)?;
    let list: PlanList = context.actors.coordinator.ask(ListPlans(query)).await?;
    Ok(HttpResponse::Ok().json(list))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    wait: Option<String>,
}

/// The plan; with `?wait=30s` once it is settled, or the span is over.
pub(super) async fn show(
    context: Data<Context>,
    PlanPath(id): PlanPath,
    Params(query): Params<ShowQuery>,
) -> Answer {
    let plan = match wait(&query, context.max_wait)? {
        Some(span) => settled(&context, id, span).await?,
        None => context.actors.coordinator.ask(GetPlan { id }).await?,
    };
    Ok(HttpResponse::Ok().json(plan))
}

/// 202: the documents are written after the reply.
pub(super) async fn select(
    context: Data<Context>,
    peer: Peer,
    PlanPath(id): PlanPath,
    Json(body): Json<wire::SelectOption>,
) -> Answer {
    let wire::SelectOption { option: number, accept_changes } = body;
    let message = SelectOption { id, number, accept_changes, uid: peer.uid };
    let plan = context.actors.coordinator.ask(message).await?;
    let location = format!("/v1/plans/{id}");
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, location)).json(plan))
}

pub(super) async fn cancel(context: Data<Context>, peer: Peer, PlanPath(id): PlanPath) -> Answer {
    let plan = context.actors.coordinator.ask(CancelPlan { id, uid: peer.uid }).await?;
    Ok(HttpResponse::Ok().json(plan))
}

/// What the bound rests on, checked for this reply.
pub(super) async fn proof(context: Data<Context>, PlanPath(id): PlanPath) -> Answer {
    let proof = context.actors.coordinator.ask(GetProof { id }).await?;
    Ok(HttpResponse::Ok().json(proof))
}

/// Erases the personal data of a plan that has ended.
pub(super) async fn erase(
    context: Data<Context>,
    _: Admin,
    peer: Peer,
    PlanPath(id): PlanPath,
) -> Answer {
    context.store.erase(id, Some(peer.uid)).await?;
    // Its vendors may be free again.
    context.actors.vendors.ask(ForgetStale).await?;
    let plan = context.actors.coordinator.ask(GetPlan { id }).await?;
    Ok(HttpResponse::Ok().json(plan))
}

fn check_priority(priority: i16, admits: bool) -> Result<(), Failure> {
    if priority.abs() > PRIORITY_MAX {
        let hint = format!("write -{PRIORITY_MAX} to {PRIORITY_MAX}");
        return Err(ApiError::invalid("priority", format!("is {priority}"), hint).into());
    }
    if !admits {
        let message = "only those who administer the daemon may put a plan before the others";
        let error = ApiError::new(ErrorCode::Denied, message);
        return Err(error.with_hint("leave the priority out, or ask root").into());
    }
    Ok(())
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<IdempotencyKey>, ApiError> {
    let given = request.headers().get("idempotency-key");
    given.map(|value| value.to_str().unwrap_or_default().parse()).transpose()
}

fn wait(query: &ShowQuery, max: Duration) -> Result<Option<Duration>, Failure> {
    let parsed = query.wait.as_deref().map(parse_duration).transpose();
    let span = parsed.map_err(|message| ApiError::invalid("wait", message, "write e.g. 30s"))?;
    Ok(span.map(|span| span.min(max)))
}
