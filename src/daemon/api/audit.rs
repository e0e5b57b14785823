//! The audit: the rows of one plan, and the proof of all chains.

use actix_web::{HttpResponse, web::Data};
use serde::Deserialize;

use super::{body::Params, path::PlanPath};
use crate::serving::{context::Context, failure::Answer};
use model::PlanId;
use store::ChainCheck;
use wire::{AuditEntry, AuditTrail, VerifiedAudit};

/// Plans that one call checks: a bounded time.
const PLANS_AT_ONCE: u32 = 500;

/// A plan's audit rows, and whether their chain is whole.
pub(super) async fn show(context: Data<Context>, PlanPath(id): PlanPath) -> Answer {
    let check = context.store.verify_audit(id).await?;
    let rows = context.store.audit(id, 0).await?;
    let broken = match check {
        ChainCheck::Whole { .. } => None,
        ChainCheck::Broken(broken) => Some(broken),
    };
    let entries = rows.into_iter().map(|row| AuditEntry {
        seq: row.seq,
        at: row.at,
        kind: row.kind,
        detail: serde_json::from_str(&row.detail).unwrap_or_default(),
        hash: blake3::Hash::from_bytes(row.hash).to_hex().to_string(),
    });
    Ok(HttpResponse::Ok().json(AuditTrail { plan: id, rows: entries.collect(), broken }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// Go on after this plan.
    after: Option<PlanId>,
}

/// Checks the chains of some plans, in the order of their ids; `next` says where to go on.
pub(super) async fn verify(context: Data<Context>, Params(query): Params<VerifyQuery>) -> Answer {
    let page = context.store.verify_audits(query.after, PLANS_AT_ONCE).await?;
    let full = page.len() == PLANS_AT_ONCE as usize;
    let mut verified = VerifiedAudit {
        next: page.last().map(|(id, _)| *id).filter(|_| full),
        ..Default::default()
    };
    for (_, check) in page {
        verified.plans += 1;
        match check {
            ChainCheck::Whole { rows } => verified.rows += rows,
            ChainCheck::Broken(broken) => verified.broken.push(broken),
        }
    }
    Ok(HttpResponse::Ok().json(verified))
}
