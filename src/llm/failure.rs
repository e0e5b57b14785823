//! Why a server did not answer: facts to count, retry and route by. No prompt, reply or key text.

use std::{fmt, time::Duration};

/// What went wrong, as a metric's label and for decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FailureKind {
    /// No connection: refused, unreachable, name unknown, or timed out.
    Connect,
    Tls,
    /// The connection ended before a reply began.
    Disconnected,
    /// The same at a call's first try: most often a kept connection that the server was just
    /// closing (llama.cpp's closes each after a streamed reply).
    StaleConnection,
    FirstByteTimeout,
    IdleTimeout,
    TotalTimeout,
    /// The reply ended before its end marker.
    Truncated,
    /// The server reported an error inside a reply that began well.
    StreamError,
    /// The reply is not in the server's protocol.
    BadStream,
    /// Longer than `max_reply_bytes`, or a line beyond the bound.
    ReplyTooLong,
    EmptyReply,
    /// The model used up its tokens before it was done.
    OutOfTokens,
    ContentType,
    Redirect,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError,
    /// 503 while the model loads.
    Loading,
    /// 401 and 403.
    Unauthorized,
    /// 404.
    ModelAbsent,
    /// Any other 4xx.
    ClientError,
    /// The reply's text is no JSON.
    InvalidJson,
    /// JSON that breaks the schema or a rule of the task.
    InvalidReply,
    QueueFull,
    /// Refused at once: the queue is too long for the caller's deadline.
    TooLate,
    BreakerOpen,
    /// The caller's deadline passed.
    Deadline,
}

/// What a failure says about the server's health.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The server is ill: the circuit breaker counts it.
    Server,
    /// There is no server: counted as well, until a health check finds one.
    Absence,
    /// The server works; the model's text or the request is at fault.
    Reply,
    /// Says nothing: 4xx, loading, a caller that left.
    Nobody,
}

impl FailureKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Disconnected => "disconnected",
            Self::StaleConnection => "stale_connection",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::IdleTimeout => "idle_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::Truncated => "truncated",
            Self::StreamError => "stream_error",
            Self::BadStream => "bad_stream",
            Self::ReplyTooLong => "reply_too_long",
            Self::EmptyReply => "empty_reply",
            Self::OutOfTokens => "out_of_tokens",
            Self::ContentType => "content_type",
            Self::Redirect => "redirect",
            Self::RateLimited => "rate_limited",
            Self::ServerError => "server_error",
            Self::Loading => "loading",
            Self::Unauthorized => "unauthorized",
            Self::ModelAbsent => "model_absent",
            Self::ClientError => "client_error",
            Self::InvalidJson => "invalid_json",
            Self::InvalidReply => "invalid_reply",
            Self::QueueFull => "queue_full",
            Self::TooLate => "too_late",
            Self::BreakerOpen => "breaker_open",
            Self::Deadline => "deadline",
        }
    }

    /// Whether the same server may be asked again: nothing of a reply had arrived, and waiting
    /// can help. Timeouts are not repeated: a server too slow once gets no second helping.
    pub(crate) const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Connect
                | Self::Disconnected
                | Self::StaleConnection
                | Self::RateLimited
                | Self::ServerError
                | Self::Loading
        )
    }

    pub const fn blame(self) -> Blame {
        match self {
            Self::Connect => Blame::Absence,
            Self::Tls
            | Self::Disconnected
            | Self::FirstByteTimeout
            | Self::IdleTimeout
            | Self::TotalTimeout
            | Self::Truncated
            | Self::StreamError
            | Self::BadStream
            | Self::ReplyTooLong
            | Self::ContentType
            | Self::Redirect
            | Self::ServerError => Blame::Server,
            Self::EmptyReply | Self::OutOfTokens | Self::InvalidJson | Self::InvalidReply => {
                Blame::Reply
            }
            Self::StaleConnection
            | Self::RateLimited
            | Self::Loading
            | Self::Unauthorized
            | Self::ModelAbsent
            | Self::ClientError
            | Self::QueueFull
            | Self::TooLate
            | Self::BreakerOpen
            | Self::Deadline => Blame::Nobody,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::Tls => "the TLS handshake failed; check the certificate and `ca_file`",
            Self::Disconnected | Self::StaleConnection => "the connection ended before a reply",
            Self::FirstByteTimeout => "no first byte in time",
            Self::IdleTimeout => "the reply stalled",
            Self::TotalTimeout => "the reply took longer than `timeout`",
            Self::Truncated => "the reply was cut off",
            Self::StreamError => "the server reported an error in mid-reply",
            Self::BadStream => "the reply does not follow the server's protocol",
            Self::ReplyTooLong => "the reply is longer than `max_reply_bytes`",
            Self::EmptyReply => "the reply is empty",
            Self::OutOfTokens => "the model ran out of tokens before its reply was complete",
            Self::ContentType => "the reply has an unexpected content type; check `base_url`",
            Self::Redirect => "the server redirects; set `base_url` to the final address",
            Self::RateLimited => "the server limits the rate",
            Self::ServerError => "the server failed",
            Self::Loading => "the model is still loading",
            Self::Unauthorized => "the server refuses the key; check `api_key_file`",
            Self::ModelAbsent => "the server has no such model",
            Self::ClientError => "the server refuses the request",
            Self::InvalidJson => "the reply is no JSON",
            Self::InvalidReply => "the reply breaks the task's rules",
            Self::QueueFull => "the queue is full",
            Self::TooLate => "the queue is too long for the deadline",
            Self::BreakerOpen => "the circuit breaker is open",
            Self::Deadline => "the deadline passed",
        }
    }
}

/// One failure of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub status: Option<u16>,
    /// As the server asked.
    pub(crate) retry_after: Option<Duration>,
    /// Where in the reply a rule was broken, or what to do; never text of prompt or reply.
    pub detail: Option<String>,
}

impl Failure {
    pub const fn status(kind: FailureKind, status: u16) -> Self {
        Self { kind, status: Some(status), retry_after: None, detail: None }
    }

    pub(crate) fn detailed(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::from(kind) }
    }
}

impl From<FailureKind> for Failure {
    fn from(kind: FailureKind) -> Self {
        Self { kind, status: None, retry_after: None, detail: None }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.text())?;
        if let Some(status) = self.status {
            write!(f, " (status {status})")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}
