//! Following a plan to the point where it needs somebody, over broken connections.

use std::time::Duration;

use crate::{Client, ClientError, Reply};
use model::PlanId;
use wire::{PlanEvent, PlanView, is_settled};

/// Connections in a row that may break without a new event in between.
const MAX_BROKEN: u32 = 5;
/// Wait after the first broken connection; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Hands every event after number `after` to `on_event`, until the plan is settled; returns the
/// settled plan. The events come in order and each comes once, whatever happens to connections.
///
/// # Errors
/// `TimedOut` after `limit`; else as the calls say.
pub async fn follow_plan(
    client: &Client,
    id: PlanId,
    after: u64,
    limit: Duration,
    on_event: impl FnMut(&PlanEvent),
) -> Result<Reply<PlanView>, ClientError> {
    let followed = tokio::time::timeout(limit, follow(client, id, after, on_event)).await;
    followed.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        Err(ClientError::TimedOut { seconds, doing: format!("waiting for plan {id}") })
    })
}

async fn follow(
    client: &Client,
    id: PlanId,
    mut after: u64,
    mut on_event: impl FnMut(&PlanEvent),
) -> Result<Reply<PlanView>, ClientError> {
    let mut broken = 0;
    loop {
        let mut events = client.watch_plan(id, after).await?;
        let cause = loop {
            let event = match events.next().await {
                Some(Ok(event)) => event,
                Some(Err(error @ ClientError::BadReply(_))) => return Err(error),
                Some(Err(error)) => break Some(error),
                None => break None,
            };
            (after, broken) = (event.seq, 0);
            on_event(&event);
            if event.state.is_some_and(is_settled) {
                let plan = client.wait_plan(id, Duration::ZERO).await?;
                // An old event of a plan that has moved on since: more of them follow.
                if Some(plan.value.state) == event.state {
                    return Ok(plan);
                }
            }
        };
        // The stream's end is no news by itself: a settled plan has no further events.
        let plan = client.wait_plan(id, Duration::ZERO).await?;
        if is_settled(plan.value.state) {
            return Ok(plan);
        }
        broken += 1;
        if broken > MAX_BROKEN {
            return Err(cause.unwrap_or_else(|| ClientError::Broken {
                doing: format!("following plan {id}"),
                reason: "the event stream ends again and again".into(),
            }));
        }
        tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(broken - 1)).await;
    }
}
