//! `eventplannerctl verify …`.

use std::time::Duration;

use crate::{error::CtlError, session::Session};
use control::{Reply, show::optimizations_text};
use wire::{OptimizationsView, Verdict, VerifyOptimizations};

/// Model servers answer in seconds, and load in more.
const LIMIT: Duration = Duration::from_secs(3_600);

/// Exit code 1 where a mechanism doesn't hold what was promised.
pub(crate) async fn optimizations(session: &Session, samples: u32) -> Result<u8, CtlError> {
    let client = session.client.with_timeout(session.timeout_or(LIMIT));
    let body = VerifyOptimizations { samples };
    let reply: Reply<OptimizationsView> =
        client.post("/v1/admin/verify/optimizations", &body).await?;
    session.print(&reply, optimizations_text)?;
    let failed = reply.value.mechanisms.iter().any(|row| row.verdict == Verdict::Fail);
    Ok(u8::from(failed))
}
