//! The limits of a reply's lists, words, numbers and lengths: the schema tells a server of them, and
//! a reply is held to them whether the server did its part or not.

use super::{
    SharesTask,
    schema::{ProseReply, RequirementsReply, ShareLine, SharesReply},
    vocabulary,
};

/// Wishes per list: more is no preference any more.
pub(crate) const WISHES_MAX: usize = 5;
/// Lengths of the prose, in characters; none may be empty.
pub(crate) const SUMMARY_MAX: usize = 700;
pub(crate) const ATMOSPHERE_MAX: usize = 500;
pub(crate) const ARRIVAL_NOTE_MAX: usize = 400;
pub(crate) const CLOSING_MAX: usize = 300;

/// What is out of bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutOfBounds {
    /// Where and which limit: without text of the reply.
    pub place: String,
    /// May quote the reply.
    pub quote: String,
}

fn refuse<T>(path: &str, limit: &str, problem: String) -> Result<T, OutOfBounds> {
    Err(OutOfBounds {
        place: format!("{limit} at `{path}`"),
        quote: format!("at `{path}`: {problem}"),
    })
}

/// # Errors
/// The first list that is too long, or word that is in no vocabulary.
pub(crate) fn requirements(reply: &RequirementsReply) -> Result<(), OutOfBounds> {
    let lists: [(&str, &[String], &[&str]); 4] = [
        ("/styles", &reply.styles, &vocabulary::STYLES),
        ("/cuisines", &reply.cuisines, &vocabulary::CUISINES),
        ("/amenities", &reply.amenities, &vocabulary::AMENITIES),
        ("/venue_types", &reply.venue_types, &vocabulary::VENUE_TYPES),
    ];
    for (path, list, words) in lists {
        if list.len() > WISHES_MAX {
            let problem = format!("{} items; at most {WISHES_MAX}", list.len());
            return refuse(path, "maxItems", problem);
        }
        if let Some(at) = list.iter().position(|word| !words.contains(&word.as_str())) {
            let problem = format!("`{}` is none of {}", list[at], words.join(", "));
            return refuse(&format!("{path}/{at}"), "enum", problem);
        }
    }
    Ok(())
}

/// # Errors
/// The first strategy with another number of lines than categories, an unknown category, or a
/// share outside of 0 to 1.
pub(crate) fn shares(reply: &SharesReply, task: &SharesTask) -> Result<(), OutOfBounds> {
    let lists: [(&str, &[ShareLine]); 3] = [
        ("/balanced", &reply.balanced),
        ("/venue_and_food", &reply.venue_and_food),
        ("/experience", &reply.experience),
    ];
    let wanted = task.categories.len();
    for (path, lines) in lists {
        if lines.len() != wanted {
            let limit = if lines.len() < wanted { "minItems" } else { "maxItems" };
            let problem = format!("{} lines for {wanted} categories", lines.len());
            return refuse(path, limit, problem);
        }
        for (i, line) in lines.iter().enumerate() {
            if !task.categories.iter().any(|known| known.name.as_str() == line.category) {
                let problem = format!("`{}` was not asked for", line.category);
                return refuse(&format!("{path}/{i}/category"), "enum", problem);
            }
            if !(0.0..=1.0).contains(&line.share) {
                let problem = format!("{} is not within 0 and 1", line.share);
                return refuse(&format!("{path}/{i}/share"), "range", problem);
            }
        }
    }
    Ok(())
}

/// # Errors
/// The first text that is empty or too long.
pub(crate) fn prose(reply: &ProseReply) -> Result<(), OutOfBounds> {
    for (path, text, most) in [
        ("/summary", &reply.summary, SUMMARY_MAX),
        ("/atmosphere", &reply.atmosphere, ATMOSPHERE_MAX),
        ("/arrival_note", &reply.arrival_note, ARRIVAL_NOTE_MAX),
        ("/closing", &reply.closing, CLOSING_MAX),
    ] {
        let length = text.chars().count();
        if length == 0 {
            return refuse(path, "minLength", "it is empty".to_owned());
        }
        if length > most {
            return refuse(path, "maxLength", format!("{length} characters; at most {most}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tasks::{
        ShareCategory,
        schema::{base, requirements_schema, shares_schema},
    };
    use model::EventType;

    /// What is read and found within bounds is what the schema takes.
    fn agrees<T: serde::de::DeserializeOwned>(
        schema: &Value,
        reply: &Value,
        within: impl Fn(&T) -> bool,
    ) -> bool {
        let read = serde_json::from_value::<T>(reply.clone());
        let taken = read.is_ok_and(|reply| within(&reply));
        assert_eq!(jsonschema::is_valid(schema, reply), taken, "{reply}");
        taken
    }

    #[test]
    fn bounds_and_schemas_are_the_same() {
        let good = json!({"styles": ["rustic"], "cuisines": [], "amenities": [], "venue_types": [],
            "video": true});
        let with = |field: &str, value: Value| {
            let mut reply = good.clone();
            reply[field] = value;
            reply
        };
        let schema = requirements_schema();
        let taken = |reply| {
            agrees::<RequirementsReply>(&schema, &reply, |reply| requirements(reply).is_ok())
        };
        assert!(taken(good.clone()));
        for bad in [
            with("styles", json!(["rustic", "rustic", "rustic", "rustic", "rustic", "rustic"])),
            with("styles", json!(["Rustic"])),
            with("cuisines", json!(["rustic"])),
            with("amenities", json!([1])),
            with("venue_types", json!("hall")),
            with("video", json!(null)),
            with("more", json!([])),
            json!({"styles": []}),
            json!([]),
        ] {
            assert!(!taken(bad));
        }

        let names = ["venue".to_owned(), "music".to_owned()];
        let task = SharesTask {
            event_type: EventType::Gala,
            guests: 10,
            budget: None,
            categories: names
                .iter()
                .map(|name| ShareCategory { name: name.as_str().into(), required: true })
                .collect(),
        };
        let schema = shares_schema(&names);
        let line = |category: &str, share: Value| json!({"category": category, "share": share});
        let good = json!([line("venue", json!(0.5)), line("music", json!(0.5))]);
        for (lines, expected) in [
            (good.clone(), true),
            (json!([line("venue", json!(1)), line("music", json!(0))]), true),
            (json!([line("venue", json!(1))]), false),
            (json!([]), false),
            (json!([line("venue", json!(1)), line("cake", json!(0))]), false),
            (json!([line("venue", json!(1.1)), line("music", json!(0))]), false),
            (json!([line("venue", json!(-0.1)), line("music", json!(0))]), false),
            (json!([line("venue", json!("1")), line("music", json!(0))]), false),
        ] {
            let reply = json!({"balanced": good, "venue_and_food": lines, "experience": good});
            let within = |reply: &SharesReply| shares(reply, &task).is_ok();
            assert_eq!(agrees(&schema, &reply, within), expected);
        }

        let schema = base::<ProseReply>();
        for (summary, expected) in [
            ("x".to_owned(), true),
            ("é".repeat(SUMMARY_MAX), true),
            ("é".repeat(SUMMARY_MAX + 1), false),
            (String::new(), false),
        ] {
            let reply = json!({"summary": summary, "atmosphere": "a", "arrival_note": "b",
                "closing": "c"});
            let within = |reply: &ProseReply| prose(reply).is_ok();
            assert_eq!(agrees(&schema, &reply, within), expected);
        }
    }
}
