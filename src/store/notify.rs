//! Tells other daemons that something changed. A hint: it may be lost, so they also look
//! themselves now and then.

use tokio_postgres::types::Type;

use super::session::{Param, Sql};
use crate::model::PlanId;

/// Channel of plan changes; the payload is the plan's id.
pub const PLAN_CHANNEL: &str = "plan";

/// Sent after the commit, not with it: a transaction that notifies holds one lock of the whole
/// server until it is on disk, so that commits would queue up one by one.
pub(super) async fn plan_changed(sql: &impl Sql, plan: PlanId) {
    let payload = plan.to_string();
    let params: [Param<'_>; 2] = [(&PLAN_CHANNEL, Type::TEXT), (&payload, Type::TEXT)];
    // The change itself is stored: a lost hint only delays another daemon.
    let _ = sql.query("SELECT pg_notify($1, $2)", &params).await;
}
