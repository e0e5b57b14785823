//! What happened, over all plans.

use actix_web::{HttpResponse, web::Data};

use crate::{
    api::body::Params,
    serving::{context::Context, failure::Answer},
};
use store::{AgentRun, HISTORY_LIMIT_MAX, HistoryFilter, PlanEventRow};
use wire::{ApiError, History, HistoryEntry, HistoryQuery};

const LIMIT_DEFAULT: u32 = 50;

pub(crate) async fn history(context: Data<Context>, Params(query): Params<HistoryQuery>) -> Answer {
    let wants_runs = query.runs || query.failed || query.agent.is_some();
    let filter = filter(query)?;
    let entries = match wants_runs {
        true => context.store.runs(&filter).await?.into_iter().map(of_run).collect(),
        false => context.store.events(&filter).await?.into_iter().map(of_event).collect(),
    };
    Ok(HttpResponse::Ok().json(History { entries }))
}

fn filter(query: HistoryQuery) -> Result<HistoryFilter, ApiError> {
    let limit = query.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=HISTORY_LIMIT_MAX).contains(&limit) {
        let hint = format!("write 1 to {HISTORY_LIMIT_MAX}");
        return Err(ApiError::invalid("limit", format!("is {limit}"), hint));
    }
    let HistoryQuery { kind, agent, failed, since, until, .. } = query;
    Ok(HistoryFilter { kind, agent, failed, since, until, limit })
}

fn of_event(row: PlanEventRow) -> HistoryEntry {
    let PlanEventRow { plan, at, kind, detail, .. } = row;
    HistoryEntry { at, plan, what: kind, outcome: None, detail }
}

fn of_run(run: AgentRun) -> HistoryEntry {
    HistoryEntry {
        at: run.started_at,
        plan: run.plan,
        what: run.agent,
        outcome: Some(run.outcome.as_str().to_owned()),
        detail: run.detail.unwrap_or_default(),
    }
}
