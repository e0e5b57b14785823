//! The LLM servers.

use actix_web::{HttpResponse, web::Data};

use crate::serving::{
    context::Context,
    failure::{Answer, Failure},
    peer::Admin,
};
use actors::llm_gateway::{GetLlmStatus, GetTuning, WarmUp};
use llm::EndpointStatus;
use wire::{LlmEndpoint, LlmFigures, LlmView};

pub(super) async fn status(context: Data<Context>) -> Answer {
    Ok(HttpResponse::Ok().json(view(&context).await?))
}

/// The servers' own settings that fit, as text.
pub(super) async fn tune(context: Data<Context>) -> Answer {
    let text = context.actors.llm.ask(GetTuning).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

/// Loads every configured model; answers once they are loaded, or can't be.
pub(super) async fn warm(context: Data<Context>, _: Admin) -> Answer {
    context.actors.llm.ask(WarmUp).await?;
    Ok(HttpResponse::Ok().json(view(&context).await?))
}

async fn view(context: &Context) -> Result<LlmView, Failure> {
    let status = context.actors.llm.ask(GetLlmStatus).await?;
    let counters = status.counters;
    let cache = counters.cache;
    // Both lists stand in the order of the settings.
    let endpoints = status.endpoints.into_iter().zip(counters.endpoints);
    Ok(LlmView {
        endpoints: endpoints.map(|(status, figures)| endpoint(status, figures)).collect(),
        requests: counters.requests,
        fallbacks: counters.fallbacks,
        cache_entries: cache.entries,
        cache_hits: cache.hits,
        cache_misses: cache.misses,
        cache_hit_percent: cache.hit_rate().map(|rate| rate * 100.0),
        cache_evictions: cache.evictions,
        cache_expired: cache.expired,
        coalesced: counters.coalesced,
        mean_answer_ms: counters.answer.mean_ms,
    })
}

fn endpoint(status: EndpointStatus, figures: LlmFigures) -> LlmEndpoint {
    LlmEndpoint {
        name: status.name,
        base_url: status.base_url,
        advice: status.model.advice(),
        model_state: status.model.state.as_str().to_owned(),
        model: status.model.model,
        breaker: status.breaker.as_str().to_owned(),
        busy: status.occupancy.busy,
        queued: status.occupancy.queued,
        parallel: status.parallel,
        warm_up_ms: status.model.warm_up.map(|time| time.as_millis() as u64),
        context_tokens: status.model.context_tokens,
        figures,
    }
}
