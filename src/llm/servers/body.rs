//! The body of a streamed reply, with its bounds: first byte, idle time, line and total length.

use std::time::{Duration, Instant};

use reqwest::Response;
use tokio::time::timeout;

use crate::failure::{Failure, FailureKind};

/// Bytes on the wire per byte of text: a server-sent event wraps a token of a few bytes in some
/// 250 bytes of JSON.
const WIRE_PER_TEXT: usize = 128;

/// What a line may hold beside the reply's text.
const LINE_SLACK: usize = 65_536;

/// How long a caller waits for the end of a body whose reply is complete.
const DRAIN_HERE: Duration = Duration::from_millis(5);

/// How long that end may take before the connection is given up.
const DRAIN_ASIDE: Duration = Duration::from_secs(1);

/// Bounds of one reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// From the request's start to the first byte of the body.
    pub first_byte: Duration,
    /// Between two pieces of the body.
    pub idle: Duration,
    /// Text in bytes.
    pub text: usize,
}

pub(crate) struct Body {
    response: Response,
    bounds: Bounds,
    started: Instant,
    first_byte: Option<Duration>,
    bytes: usize,
    line_bytes: usize,
}

impl Body {
    /// `started`: when the request went out.
    pub(crate) fn new(response: Response, bounds: Bounds, started: Instant) -> Self {
        Self { response, bounds, started, first_byte: None, bytes: 0, line_bytes: 0 }
    }

    /// From the request to the first byte of the body; `None` before that.
    pub(crate) const fn first_byte(&self) -> Option<Duration> {
        self.first_byte
    }

    /// The next piece; `None` at a proper end.
    ///
    /// # Errors
    /// A timeout, a cut connection, or a line or body beyond the bounds.
    pub(crate) async fn chunk(&mut self) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        let (limit, late) = match self.first_byte {
            None => {
                let left = self.bounds.first_byte.saturating_sub(self.started.elapsed());
                (left, FailureKind::FirstByteTimeout)
            }
            Some(_) => (self.bounds.idle, FailureKind::IdleTimeout),
        };
        let read = timeout(limit, self.response.chunk()).await.map_err(|_| Failure::from(late))?;
        let piece = read.map_err(|_| match self.first_byte {
            None => Failure::from(FailureKind::Disconnected),
            Some(_) => Failure::from(FailureKind::Truncated),
        })?;
        if let Some(piece) = &piece {
            self.measure(piece.as_ref())?;
        }
        Ok(piece)
    }

    fn measure(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.first_byte.get_or_insert_with(|| self.started.elapsed());
        self.bytes = self.bytes.saturating_add(piece.len());
        self.line_bytes = match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => piece.len() - end - 1,
            None => self.line_bytes.saturating_add(piece.len()),
        };
        let line_max = self.bounds.text.saturating_mul(2).saturating_add(LINE_SLACK);
        let total_max = self.bounds.text.saturating_mul(WIRE_PER_TEXT).saturating_add(LINE_SLACK);
        if self.line_bytes > line_max || self.bytes > total_max {
            return Err(Failure::from(FailureKind::ReplyTooLong));
        }
        Ok(())
    }

    /// Reads what is left of a reply that is complete, so that its connection can be used again.
    /// Servers end a body together with its last event; a later end is awaited aside.
    pub(crate) async fn finish(mut self) {
        let ended =
            timeout(DRAIN_HERE, async { while let Ok(Some(_)) = self.response.chunk().await {} });
        if ended.await.is_err() {
            tokio::spawn(timeout(DRAIN_ASIDE, async move {
                while let Ok(Some(_)) = self.response.chunk().await {}
            }));
        }
    }
}

/// At most `max` bytes of a body, as text: for error replies.
pub(crate) async fn beginning(response: Response, max: usize, idle: Duration) -> String {
    let mut response = response;
    let mut bytes = Vec::new();
    while bytes.len() < max {
        match timeout(idle, response.chunk()).await {
            Ok(Ok(Some(piece))) => bytes.extend_from_slice(&piece),
            _ => break,
        }
    }
    bytes.truncate(max);
    String::from_utf8_lossy(&bytes).into_owned()
}
