//! The audit and a reload as people read them.

use super::{Look, Table};
use wire::{AuditTrail, BrokenChain, Reloaded, VerifiedAudit};

/// Hex digits of a hash that are shown; `--json` has all of them.
const HASH_SHOWN: usize = 12;

pub fn audit_text(trail: &AuditTrail, look: Look) -> String {
    let mut table = Table::new(["no", "at", "what", "detail", "hash"]).right([0]);
    for row in &trail.rows {
        table.row([
            row.seq.to_string(),
            row.at.to_string(),
            row.kind.clone(),
            row.detail.to_string(),
            row.hash.chars().take(HASH_SHOWN).collect(),
        ]);
    }
    let proof = match &trail.broken {
        None => format!("the chain of {} rows is whole\n", trail.rows.len()),
        Some(broken) => broken_line(broken),
    };
    format!("plan {}\n{}{proof}", trail.plan, table.render(look))
}

pub fn verified_text(verified: &VerifiedAudit) -> String {
    let lines: String = verified.broken.iter().map(broken_line).collect();
    let VerifiedAudit { plans, rows, broken, .. } = verified;
    match broken.len() {
        0 => format!("{plans} plans, {rows} rows: every chain is whole\n"),
        n => format!("{lines}{plans} plans: {n} broken\n"),
    }
}

fn broken_line(broken: &BrokenChain) -> String {
    format!("plan {}: the chain is broken at row {}: {}\n", broken.plan, broken.seq, broken.reason)
}

pub fn reloaded_text(reloaded: &Reloaded) -> String {
    if reloaded.changed.is_empty() && reloaded.needs_restart.is_empty() {
        return "no setting has changed\n".to_owned();
    }
    let mut text = String::new();
    for (list, note) in [(&reloaded.changed, ""), (&reloaded.needs_restart, " (after a restart)")] {
        for setting in list {
            text += &format!("{}: {} -> {}{note}\n", setting.key, setting.from, setting.to);
        }
    }
    text
}
