//! The blueprint agent: writes the connecting text. Every figure of the documents comes from the
//! plan; the text adds none.

use llm::{ProseTask, ProseVendor, Reply, Task};
use model::{PlanOption, Prose, Request, Requirements};

pub const NAME: &str = "blueprint";

/// What to ask the LLM.
pub fn task(request: &Request, requirements: &Requirements, option: &PlanOption) -> Task {
    let start = request.time.start_zoned();
    let asked = &request.preferences.styles;
    let styles = if asked.is_empty() { &requirements.styles } else { asked };
    let vendor = |chosen: &model::ChosenVendor| ProseVendor {
        category: chosen.category.clone(),
        name: chosen.name.clone(),
    };
    Task::Prose(ProseTask {
        event_type: request.event_type,
        city: request.city.clone(),
        guests: request.guests,
        date_text: start.strftime("%A, %-d %B %Y").to_string(),
        start_text: start.strftime("%H:%M").to_string(),
        styles: styles.clone(),
        vision: request.vision.clone(),
        vendors: option.vendors.iter().map(vendor).collect(),
    })
}

/// The text; a reply of another kind says nothing.
pub fn conclude(reply: Reply) -> Prose {
    match reply {
        Reply::Prose(prose) => prose,
        _ => Prose::default(),
    }
}
