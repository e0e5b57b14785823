//! The server that is always there: answers by rules, without a model or a network. The end of
//! every fallback chain. Same question, same answer.

use std::collections::BTreeSet;

use super::{
    ProseTask, Reply, RequirementsTask, Task,
    phrases::{Wishes, wishes},
    vocabulary::Field,
};
use model::{EventType, Prose, Requirements};

/// The name under which answers of the rules are recorded.
pub(crate) const RULES: &str = "rules";

/// Answers any task.
pub fn answer(task: &Task) -> Reply {
    match task {
        Task::Requirements(task) => Reply::Requirements(requirements(task)),
        // The documented default shares are planning's.
        Task::Shares(_) => Reply::Shares(None),
        Task::Prose(task) => Reply::Prose(prose(task)),
    }
}

/// The wishes that the vision names in so many words.
pub fn requirements(task: &RequirementsTask) -> Requirements {
    requirements_of(&wishes(&task.vision), task)
}

/// `Requirements` out of wishes; the caller's keywords are taken over.
pub(crate) fn requirements_of(wishes: &Wishes, task: &RequirementsTask) -> Requirements {
    let list = |field: Field| -> Vec<String> {
        let of_field = wishes.wanted.iter().filter(|(found, _)| *found == field);
        of_field.map(|(_, name)| (*name).to_owned()).collect()
    };
    Requirements {
        keywords: task.keywords.clone(),
        styles: list(Field::Styles),
        cuisines: list(Field::Cuisines),
        amenities: list(Field::Amenities),
        venue_types: list(Field::VenueTypes),
        video: wishes.wanted.contains(&(Field::Video, "video")),
    }
}

/// Template sentences out of the facts.
fn prose(task: &ProseTask) -> Prose {
    let occasion = occasion(task.event_type);
    let style = match task.styles.first() {
        Some(style) => format!("{} ", style.replace('_', " ")),
        None => String::new(),
    };
    let article = if style.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let vendors: Vec<String> = task
        .vendors
        .iter()
        .map(|vendor| format!("{} ({})", vendor.name, vendor.category.as_str().replace('_', " ")))
        .collect();
    let team = match vendors.as_slice() {
        [] => String::new(),
        names => format!(" It is carried by {}.", listed(names)),
    };
    Prose {
        summary: format!(
            "This blueprint describes {article} {style}{occasion} for {} guests in {} on {}, \
             starting at {}.{team}",
            task.guests, task.city, task.date_text, task.start_text
        ),
        atmosphere: atmosphere(task),
        arrival_note: format!(
            "Welcome! Please arrive a little before {}, so that everyone is settled when the \
             {occasion} begins.",
            task.start_text
        ),
        closing: "Every vendor, time and amount in this document comes from the plan itself."
            .to_owned(),
    }
}

const fn occasion(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Wedding => "wedding celebration",
        EventType::Birthday => "birthday celebration",
        EventType::Corporate => "corporate event",
        EventType::Gala => "gala evening",
        EventType::Other => "event",
    }
}

fn atmosphere(task: &ProseTask) -> String {
    let distinct: BTreeSet<String> =
        task.styles.iter().take(3).map(|style| style.replace('_', " ")).collect();
    let styles: Vec<String> = distinct.into_iter().collect();
    match styles.as_slice() {
        [] => "The vendors were chosen to go well together.".to_owned(),
        styles => format!(
            "The vendors were chosen to go well together, in a mood that is {}.",
            listed(styles)
        ),
    }
}

/// "a", "a and b", "a, b and c".
fn listed(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [front @ .., last] => format!("{} and {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ProseVendor;

    #[test]
    fn requirements_keep_the_callers_keywords_and_sort_their_lists() {
        let task = RequirementsTask {
            event_type: EventType::Wedding,
            vision:
                "Vintage and boho in a garden; mughlai food, no chinese. Valet parking. A film."
                    .to_owned(),
            keywords: vec!["boho".to_owned()],
        };
        let found = requirements(&task);
        assert_eq!(found.keywords, ["boho"]);
        assert_eq!(found.styles, ["bohemian", "garden", "vintage"]);
        assert_eq!(found.cuisines, ["mughlai"]);
        assert_eq!(found.amenities, ["parking"]);
        assert_eq!(found.venue_types, ["garden"]);
        assert!(found.video);
    }

    #[test]
    fn prose_tells_the_facts() {
        let vendor = |category: &str, name: &str| ProseVendor {
            category: category.into(),
            name: name.to_owned(),
        };
        let task = ProseTask {
            event_type: EventType::Gala,
            city: "Kochi".to_owned(),
            guests: 120,
            date_text: "Sunday, 14 February 2027".to_owned(),
            start_text: "18:00".to_owned(),
            styles: vec!["industrial".to_owned()],
            vision: String::new(),
            vendors: vec![vendor("venue", "Old Mill"), vendor("makeup_artist", "Anu")],
        };
        let text = prose(&task);
        assert_eq!(
            text.summary,
            "This blueprint describes an industrial gala evening for 120 guests in Kochi on \
             Sunday, 14 February 2027, starting at 18:00. It is carried by Old Mill (venue) and \
             Anu (makeup artist)."
        );
        assert!(text.arrival_note.contains("18:00"));
        let empty = ProseTask { styles: vec![], vendors: vec![], ..task };
        assert!(!prose(&empty).summary.contains("carried"));
    }
}
