//! The audit: a plan's rows, and the proof of all chains.

use serde_json::json;

use crate::{
    error::CtlError,
    session::{Session, print},
};
use control::{
    Reply,
    show::{audit_text, verified_text},
};
use model::PlanId;
use wire::{AuditTrail, BrokenChain, VerifiedAudit};

/// Exit code 1 where the chain is broken.
pub(crate) async fn show(session: &Session, id: PlanId) -> Result<u8, CtlError> {
    let path = format!("/v1/plans/{id}/audit");
    let reply: Reply<AuditTrail> = session.client.get(&path, &()).await?;
    session.print(&reply, audit_text)?;
    Ok(u8::from(reply.value.broken.is_some()))
}

/// Asks page by page. Exit code 1 where any chain is broken.
pub(crate) async fn verify(session: &Session) -> Result<u8, CtlError> {
    let (mut plans, mut rows, mut after) = (0, 0, None);
    let mut broken: Vec<BrokenChain> = Vec::new();
    loop {
        let query = json!({ "after": after });
        let reply: Reply<VerifiedAudit> = session.client.get("/v1/audit/verify", &query).await?;
        plans += reply.value.plans;
        rows += reply.value.rows;
        broken.extend(reply.value.broken);
        match reply.value.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    let is_broken = !broken.is_empty();
    let verified = VerifiedAudit { plans, rows, broken, next: None };
    if session.json {
        let text = serde_json::to_string(&verified).map_err(|e| CtlError::failed(e.to_string()))?;
        print(&format!("{text}\n"))?;
    } else {
        print(&verified_text(&verified))?;
    }
    Ok(u8::from(is_broken))
}
