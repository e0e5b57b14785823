//! A plan's events: as a stream (server-sent events), and waiting for the one that settles it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Interval, interval},
};

use crate::{
    api::path::PlanPath,
    serving::{
        context::Context,
        failure::{Answer, Failure},
    },
};
use actors::coordinator::{GetPlan, WatchPlan};
use model::PlanId;
use wire::{PlanEvent, PlanView, is_settled};

/// A number that no event reaches, and that a database can hold.
const NO_EVENTS: u64 = i64::MAX as u64;

/// Every event after `Last-Event-ID`, old ones first, then as they come, until the plan's last.
pub(crate) async fn watch(
    context: Data<Context>,
    PlanPath(id): PlanPath,
    request: HttpRequest,
) -> Answer {
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok());
    let after = last.and_then(|text| text.parse().ok()).unwrap_or(0).min(NO_EVENTS);
    let is_final = get(&context, id).await?.state.is_final();
    let watched = context.actors.coordinator.ask(WatchPlan { id, after }).await?;
    let heartbeat = interval(context.heartbeat);
    let live = (!is_final).then_some(watched.live);
    let past = watched.past.into();
    let source = Source { context, id, after, past, live, heartbeat };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header(("cache-control", "no-store"))
        .streaming(frames(source)))
}

/// The plan once it is settled, or as it is when `span` is over or the daemon stops.
pub(crate) async fn settled(
    context: &Data<Context>,
    id: PlanId,
    span: Duration,
) -> Result<PlanView, Failure> {
    let deadline = Instant::now() + span;
    loop {
        // Watching first: a change between the two calls is in the channel then.
        let watch = WatchPlan { id, after: NO_EVENTS };
        let mut live = context.actors.coordinator.ask(watch).await?.live;
        let plan = get(context, id).await?;
        if is_settled(plan.state) || Instant::now() >= deadline {
            return Ok(plan);
        }
        let next_settled = async {
            // A lagging or closed channel says only: look again.
            while let Ok(event) = live.recv().await {
                if event.state.is_some_and(is_settled) {
                    return;
                }
            }
        };
        tokio::select! {
            () = next_settled => {}
            () = tokio::time::sleep_until(deadline.into()) => {}
            () = context.stopped() => return Ok(plan),
        }
    }
}

async fn get(context: &Data<Context>, id: PlanId) -> Result<PlanView, Failure> {
    Ok(context.actors.coordinator.ask(GetPlan { id }).await?)
}

/// Where a stream's frames come from.
struct Source {
    context: Data<Context>,
    id: PlanId,
    /// Number of the last event sent.
    after: u64,
    past: VecDeque<PlanEvent>,
    /// `None`: nothing follows.
    live: Option<Receiver<PlanEvent>>,
    heartbeat: Interval,
}

fn frames(source: Source) -> impl Stream<Item = Result<Bytes, std::convert::Infallible>> {
    stream::unfold(source, |mut source| async move {
        let frame = source.next_frame().await?;
        Some((Ok(frame), source))
    })
}

impl Source {
    async fn next_frame(&mut self) -> Option<Bytes> {
        loop {
            while let Some(event) = self.past.pop_front() {
                // Rounds are told, not stored: number 0.
                if event.seq == 0 {
                    return Some(frame(&event));
                }
                if event.seq > self.after {
                    self.after = event.seq;
                    if event.state.is_some_and(|state| state.is_final()) {
                        self.live = None;
                    }
                    return Some(frame(&event));
                }
            }
            let live = self.live.as_mut()?;
            let context = self.context.clone();
            tokio::select! {
                received = live.recv() => match received {
                    Ok(event) => self.past.push_back(event),
                    Err(RecvError::Lagged(_)) => self.catch_up().await?,
                    // The coordinator restarted: the client comes back with its last number.
                    Err(RecvError::Closed) => return None,
                },
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(b": alive\n\n")),
                () = context.stopped() => return None,
            }
        }
    }

    /// Reads again what went by too fast.
    async fn catch_up(&mut self) -> Option<()> {
        let watch = WatchPlan { id: self.id, after: self.after };
        let again = self.context.actors.coordinator.ask(watch).await.ok()?;
        self.past = again.past.into();
        self.live = Some(again.live);
        Some(())
    }
}

fn frame(event: &PlanEvent) -> Bytes {
    let data = serde_json::to_string(event).unwrap_or_default();
    // Without an id the client keeps the last one, which is where it goes on from.
    let id = if event.seq > 0 { format!("id: {}\n", event.seq) } else { String::new() };
    format!("{id}event: {}\ndata: {data}\n\n", event.kind).into()
}
