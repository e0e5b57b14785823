//! The history as people read it.

use super::{Look, Table};
use wire::History;

/// Characters of an entry's details.
const DETAIL_CHARS: usize = 100;

pub fn history_text(history: &History, look: Look) -> String {
    let mut table = Table::new(["at", "plan", "what", "outcome", "details"]);
    for entry in &history.entries {
        let detail = match &entry.detail {
            serde_json::Value::Null => String::new(),
            detail => detail.to_string(),
        };
        let mut shown: String = detail.chars().take(DETAIL_CHARS).collect();
        if shown.len() < detail.len() {
            shown.push('…');
        }
        table.row([
            entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string(),
            entry.plan.to_string(),
            entry.what.clone(),
            entry.outcome.clone().unwrap_or_default(),
            shown,
        ]);
    }
    table.render(look)
}
