//! Reads a plan's events, as `plan watch` follows them.

use std::time::Duration;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, stream, stream::BoxStream};
use tokio::time::timeout;

use crate::ClientError;
use wire::PlanEvent;

/// Reads a plan's events from a reply, until the server ends it.
pub(crate) struct EventReader {
    events: BoxStream<'static, Result<PlanEvent, ClientError>>,
}

/// Why a reply's bytes end early.
#[derive(Debug, thiserror::Error)]
enum Broken<E> {
    #[error("silent")]
    Silent,
    #[error(transparent)]
    Connection(E),
}

impl EventReader {
    /// `idle_timeout`: between two events or heartbeats.
    pub(crate) fn new<S, B, E>(bytes: S, idle_timeout: Duration) -> Self
    where
        S: Stream<Item = Result<B, E>> + Send + 'static,
        B: AsRef<[u8]> + Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let bytes = until_silent(bytes, idle_timeout);
        let events = bytes.eventsource().map(move |event| match event {
            Ok(event) => serde_json::from_str(&event.data).map_err(|error| {
                ClientError::BadReply(format!("event `{}`: {error}", event.event))
            }),
            Err(EventStreamError::Transport(Broken::Silent)) => {
                Err(ClientError::Silent { seconds: idle_timeout.as_secs_f64() })
            }
            Err(error) => Err(ClientError::Broken {
                doing: "reading events".into(),
                reason: error.to_string(),
            }),
        });
        Self { events: events.boxed() }
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Errors
    /// The connection broke or fell silent, or an event could not be read.
    pub(crate) async fn next(&mut self) -> Option<Result<PlanEvent, ClientError>> {
        self.events.next().await
    }
}

/// The same bytes; the last word is an error where none came for `idle`.
fn until_silent<S, B, E>(bytes: S, idle: Duration) -> impl Stream<Item = Result<B, Broken<E>>>
where
    S: Stream<Item = Result<B, E>> + Send + 'static,
{
    stream::unfold(Some(Box::pin(bytes)), move |bytes| async move {
        let mut bytes = bytes?;
        match timeout(idle, bytes.next()).await {
            Ok(part) => Some((part?.map_err(Broken::Connection), Some(bytes))),
            Err(_) => Some((Err(Broken::Silent), None)),
        }
    })
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

    /// Heartbeats keep it open; a server that hangs after one ends it.
    #[tokio::test]
    async fn a_stream_that_falls_silent_ends_with_its_own_error() {
        let idle = Duration::from_millis(400);
        let heartbeats = stream::unfold(0, |told| async move {
            if told == 4 {
                return std::future::pending().await;
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
            Some((Ok::<_, std::io::Error>(": alive\n\n"), told + 1))
        });
        let began = std::time::Instant::now();
        let mut reader = EventReader::new(heartbeats, idle);
        let error = reader.next().await.unwrap().unwrap_err();
        assert!(began.elapsed() >= 4 * Duration::from_millis(150) + idle, "{:?}", began.elapsed());
        assert!(matches!(error, ClientError::Silent { .. }), "{error:?}");
        assert!(error.is_passing() && error.exit_code() == 6, "{error}");
        assert!(reader.next().await.is_none());
    }
}
