//! Reads a plan's events, as `plan watch` follows them.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt, stream::BoxStream};

use crate::ClientError;
use wire::PlanEvent;

/// Reads a plan's events from a reply, until the server ends it.
pub(crate) struct EventReader {
    events: BoxStream<'static, Result<PlanEvent, ClientError>>,
}

impl EventReader {
    /// `idle_timeout`: between two events or heartbeats.
    pub(crate) fn new<S, B, E>(bytes: S, idle_timeout: Duration) -> Self
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
    pub(crate) async fn next(&mut self) -> Option<Result<PlanEvent, ClientError>> {
        self.events.next().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::PlanState;

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
