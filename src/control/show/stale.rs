//! What changed under an option, as people read it.

use super::{Look, Table};
use wire::Stale;

/// Stands where a record says nothing.
const NONE: &str = "–";

/// A row per changed field, then the constraints that are no longer met.
pub fn stale_text(stale: &Stale, look: Look) -> String {
    let mut text = String::new();
    if !stale.changes.is_empty() {
        let mut table = Table::new(["place", "vendor", "what changed", "old", "new"]);
        let told = |value: &Option<String>| value.clone().unwrap_or_else(|| NONE.into());
        for change in &stale.changes {
            table.row([
                change.category.to_string(),
                change.name.clone(),
                change.field.clone(),
                told(&change.old),
                told(&change.new),
            ]);
        }
        text.push_str(&table.render(look));
    }
    for violation in &stale.violations {
        let message = super::table::clean(&violation.message);
        text.push_str(&format!("not met: {}: {message}\n", violation.constraint));
    }
    text
}
