//! One log line for every call that changed something: who, what, how it ended. Of those that failed
//! alike, only the first ones: a client that tries again and again doesn't fill the disk. Every
//! quick call is counted and timed.

use std::time::{Duration, Instant};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header::LOCATION},
    middleware::Next,
    web,
};
use slog::{error, info, o, warn};

use super::{context::Context, failure::Failure, peer::Peer};
use model::PlanId;
use telemetry::{
    Throttle,
    figures::metrics,
    log::events::{AUDIT, REQUEST_DENIED, REQUEST_FAILED},
};
use wire::ErrorCode;

/// Failed calls that leave their lines within [`FAILED_SPAN`], of each user, command and outcome.
const FAILED_LINES: u32 = 10;
const FAILED_SPAN: Duration = Duration::from_secs(10);

/// Which failed calls leave lines: by command, user and outcome.
pub(crate) type FailedCalls = Throttle<(String, Option<u32>, ErrorCode)>;

pub(crate) fn failed_calls() -> FailedCalls {
    Throttle::new(FAILED_LINES, FAILED_SPAN)
}

/// Middleware around all handlers. Reads leave no line, unless they fail on the daemon's side.
pub(crate) async fn log_calls(
    context: web::Data<Context>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut call = Call::of(&request);
    let (began, route) = (Instant::now(), route_of_quick_call(&request));
    let response = next.call(request).await?;
    if let Some(route) = route {
        let telemetry = &context.actors.telemetry;
        let class = format!("{}xx", response.status().as_u16() / 100);
        telemetry.observe(metrics::CONTROL_SECONDS, &[&route], began.elapsed());
        telemetry.inc(metrics::CONTROL_REQUESTS, &[&route, &class]);
    }
    call.plan_id = plan_id(&response);
    let failure = response.response().error().and_then(|error| error.as_error::<Failure>());
    call.log(&context, failure);
    Ok(response)
}

/// The route of a call whose time says something of the daemon: not one that waits for a plan or
/// takes as long as its body.
fn route_of_quick_call(request: &ServiceRequest) -> Option<String> {
    let path = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
    let waits = request.query_string().contains("wait=")
        || request.query_string().contains("over=")
        || path.ends_with("/events");
    let is_bulk = path.ends_with("/import") || path.ends_with("/generate");
    let is_bulk = is_bulk || path.contains("/verify/");
    (!waits && !is_bulk).then(|| format!("{} {path}", request.method()))
}

/// From the path, or from the place where a submitted plan now is.
fn plan_id<B>(response: &ServiceResponse<B>) -> Option<String> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let submitted = location.and_then(|path| path.rsplit('/').next());
    let id: PlanId = response.request().match_info().get("id").or(submitted)?.parse().ok()?;
    Some(id.to_string())
}

/// What the log says of a call. Nothing of it can be written freely by the caller.
struct Call {
    /// Method and path, as in the table of routes.
    command: String,
    changes: bool,
    tier: &'static str,
    plan_id: Option<String>,
    uid: Option<u32>,
    pid: Option<i32>,
}

impl Call {
    fn of(request: &ServiceRequest) -> Self {
        let path = request.match_pattern().unwrap_or_else(|| "unknown".to_owned());
        let peer = request.request().conn_data::<Peer>();
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        Self {
            changes: !is_read,
            tier: if path.starts_with("/v1/plans") { "submit" } else { "admin" },
            command: format!("{} {path}", request.method()),
            plan_id: None,
            uid: peer.map(|peer| peer.uid),
            pid: peer.map(|peer| peer.pid),
        }
    }

    fn log(&self, context: &Context, failure: Option<&Failure>) {
        let code = failure.map(|failure| failure.0.code);
        let outcome = code.map_or("ok", ErrorCode::as_str);
        let passes = |code| {
            let kind = (self.command.clone(), self.uid, code);
            context.failed_calls.passes(kind, Instant::now())
        };
        let Some(left_out) = code.map_or(Some(0), passes) else { return };
        let log = match left_out {
            0 => context.log.clone(),
            left_out => context.log.new(o!("left_out" => left_out)),
        };
        if self.changes {
            info!(log, "control call"; AUDIT, "command" => &self.command,
                "uid" => self.uid, "pid" => self.pid, "tier" => self.tier, "outcome" => outcome,
                "plan_id" => &self.plan_id);
        }
        if code == Some(ErrorCode::Denied) {
            warn!(log, "denied"; REQUEST_DENIED, "command" => &self.command,
                "uid" => self.uid, "tier" => self.tier);
        }
        // A full queue is no failure, and has a line of its own.
        let is_failure = |code: ErrorCode| code.http_status() >= 500 && code != ErrorCode::Busy;
        if let Some(failure) = failure.filter(|failure| is_failure(failure.0.code)) {
            error!(log, "a control call failed"; REQUEST_FAILED,
                "command" => &self.command, "error" => &failure.0.message, "code" => outcome);
        }
    }
}
