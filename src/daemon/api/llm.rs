//! The LLM servers.

use actix_web::{HttpResponse, web::Data};

use super::{Answer, Context, Failure};
use crate::{
    actors::llm_gateway::{GetLlmStatus, GetTuning, WarmUp},
    control::{LlmEndpoint, LlmView},
    daemon::peer::Admin,
    llm::EndpointStatus,
};

pub async fn status(context: Data<Context>) -> Answer {
    Ok(HttpResponse::Ok().json(view(&context).await?))
}

/// The servers' own settings that fit, as text.
pub async fn tune(context: Data<Context>) -> Answer {
    let text = context.actors.llm.ask(GetTuning).await?;
    Ok(HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text))
}

/// Loads every configured model; answers once they are loaded, or can't be.
pub async fn warm(context: Data<Context>, _: Admin) -> Answer {
    context.actors.llm.ask(WarmUp).await?;
    Ok(HttpResponse::Ok().json(view(&context).await?))
}

async fn view(context: &Context) -> Result<LlmView, Failure> {
    let status = context.actors.llm.ask(GetLlmStatus).await?;
    Ok(LlmView {
        endpoints: status.endpoints.into_iter().map(endpoint).collect(),
        requests: status.counters.requests,
        fallbacks: status.counters.fallbacks,
        cache_entries: status.counters.cache.entries,
        cache_hits: status.counters.cache.hits,
        cache_misses: status.counters.cache.misses,
    })
}

fn endpoint(status: EndpointStatus) -> LlmEndpoint {
    LlmEndpoint {
        name: status.name,
        base_url: status.base_url,
        advice: status.model.state.advice().map(str::to_owned),
        model_state: status.model.state.as_str().to_owned(),
        model: status.model.model,
        breaker: status.breaker.as_str().to_owned(),
        busy: status.occupancy.busy,
        queued: status.occupancy.queued,
        parallel: status.parallel,
        warm_up_ms: status.model.warm_up.map(|time| time.as_millis() as u64),
    }
}
