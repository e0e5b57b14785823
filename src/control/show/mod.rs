//! How replies look to people: tables on a terminal, aligned plain text in a pipe.

mod audit;
mod history;
mod plan;
mod progress;
mod proof;
mod stale;
mod status;
mod table;
mod vendor;
mod verification;

pub use audit::{audit_text, reloaded_text, verified_text};
pub use history::history_text;
pub use plan::{guests_text, plan_facts, plan_list, plan_text};
pub use progress::{Progress, event_line};
pub use proof::proof_text;
pub use stale::stale_text;
pub use status::{alerts_text, health_text, llm_text, status_text};
pub use table::{Look, Table};
pub use vendor::{import_text, vendor_list, vendor_stats};
pub use verification::optimizations_text;
