//! Draining: said once, then watched.

use std::time::Duration;

use tokio::time::Instant;

use crate::{error::CtlError, session::Session};
use control::{ClientError, Reply};
use wire::{ApiError, DrainDaemon, ErrorCode, StatusView};

/// As long as `workflow.drain_grace` may be, and the giving back after it.
const WAIT: Duration = Duration::from_secs(3_700);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Exit code 6 where plans still run when the time is over.
pub(crate) async fn drain(session: &Session, undo: bool, no_wait: bool) -> Result<u8, CtlError> {
    let body = DrainDaemon { undo };
    let reply: Reply<serde_json::Value> = session.client.post("/v1/admin/drain", &body).await?;
    if undo || no_wait {
        let state = if undo { "claims plans again" } else { "is draining" };
        session.print(&reply, |_, _| format!("the daemon {state}\n"))?;
        return Ok(0);
    }
    let deadline = Instant::now() + session.timeout_or(WAIT);
    loop {
        let status: Reply<StatusView> = session.client.get("/v1/status", &()).await?;
        match &*status.value.state {
            "draining" => {}
            "running" => {
                let error = ApiError::new(ErrorCode::WrongState, "the drain was undone");
                return Err(ClientError::from(error).into());
            }
            _ => {
                session.print(&status, |status, _| format!("the daemon is {}\n", status.state))?;
                return Ok(0);
            }
        }
        if Instant::now() >= deadline {
            let error = ApiError::new(ErrorCode::Timeout, "plans still run");
            return Err(ClientError::from(error).into());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
