//! What happens to a plan, as it happens: the events of `plan watch`.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ClientError;
use crate::model::PlanState;

/// One step of a plan. Sent as a server-sent event: `id` = `seq`, `event` = `kind`, `data` = this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanEvent {
    /// Ascending within the plan, from 1; 0 for a step that is told as it happens and not stored.
    pub seq: u64,
    pub at: Timestamp,
    /// What happened, in the past tense: `submitted`, `state_changed`, `agent_finished`,
    /// `round_finished`, `options_found` …; readers ignore what they don't know.
    pub kind: String,
    /// The plan's new state, where it changed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<PlanState>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub round: Option<u32>,
    /// Fitness of the best combination so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub best: Option<f64>,
    /// Upper bound so far.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bound: Option<f64>,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<String>,
}

/// Reads a plan's events from a reply, until the server ends it.
pub struct EventReader {
    events: BoxStream<'static, Result<PlanEvent, ClientError>>,
}

impl EventReader {
    /// `idle_timeout`: between two events or heartbeats.
    pub(super) fn new<S, B, E>(bytes: S, idle_timeout: Duration) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: AsRef<[u8]> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let events = bytes.eventsource().filter_map(move |event| async move {
            match event {
                Ok(event) => Some(serde_json::from_str(&event.data).map_err(|error| {
                    ClientError::BadReply(format!("event `{}`: {error}", event.event))
                })),
                Err(error) => Some(Err(ClientError::Broken {
                    doing: format!("reading events (idle timeout {}s)", idle_timeout.as_secs()),
                    reason: error.to_string(),
                })),
            }
        });
        Self { events: events.boxed() }
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Errors
    /// The connection broke, or an event could not be read.
    pub async fn next(&mut self) -> Option<Result<PlanEvent, ClientError>> {
        self.events.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_read_over_chunk_borders_and_comments() {
        let text = ": heartbeat\n\nid: 4\nevent: state_changed\ndata: {\"seq\":4,\
                    \"at\":\"2027-01-01T00:00:00Z\",\"kind\":\"state_changed\",\
                    \"state\":\"running\"}\n\n";
        let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
            text.as_bytes().chunks(7).map(|chunk| Ok(chunk.to_vec())).collect();
        let stream = futures_util::stream::iter(chunks);
        let mut reader = EventReader::new(stream, Duration::from_secs(1));
        let event = reader.next().await.unwrap().unwrap();
        assert_eq!((event.seq, event.state), (4, Some(PlanState::Running)));
        assert!(reader.next().await.is_none());
    }
}
