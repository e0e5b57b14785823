//! The audit on the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use model::PlanId;

/// Reply of `GET /v1/plans/{id}/audit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditTrail {
    pub plan: PlanId,
    /// Oldest first.
    pub rows: Vec<AuditEntry>,
    /// Where the chain is not as it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub broken: Option<BrokenChain>,
}

/// Something that happened to a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// 1, 2, 3 …
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    pub detail: Value,
    /// BLAKE3, hex, over this row and the hash of the row before.
    pub hash: String,
}

/// A chain that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenChain {
    pub plan: PlanId,
    /// The first row that is not as it was written, or the number of the first missing one.
    pub seq: i64,
    pub reason: String,
}

/// Reply of `GET /v1/audit/verify`: a page of plans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedAudit {
    pub plans: u64,
    pub rows: u64,
    pub broken: Vec<BrokenChain>,
    /// Plans after this one are still to be checked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<PlanId>,
}
