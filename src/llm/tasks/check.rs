//! A reply's text → a checked [`Reply`], or what is wrong with it.
//!
//! Invariant: nothing that an LLM wrote leaves this room without passing here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Reply, RequirementsTask, SharesTask, Task,
    bounds::{self, OutOfBounds},
    phrases::{Wishes, wishes},
    prose_check, rules,
    schema::{ProseReply, RequirementsReply, ShareLine, SharesReply},
    vocabulary::Field,
};
use crate::failure::{Failure, FailureKind};
use model::{Category, Prose, Requirements, Shares, Strategy};

/// How far from 1 the shares of a strategy may sum; they are scaled to 1 exactly afterwards.
const SHARES_TOLERANCE: f64 = 0.01;

/// Steps of a share.
const BILLIONTHS: f64 = 1e9;

/// A refused reply.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// For counters, logs and the plan: without text of the reply.
    pub failure: Failure,
    /// For the repair prompt: quotes the reply. Never logged.
    pub quote: String,
}

impl Refusal {
    fn rule(quote: impl Into<String>, place: &str) -> Self {
        Self { failure: Failure::detailed(FailureKind::InvalidReply, place), quote: quote.into() }
    }
}

impl From<OutOfBounds> for Refusal {
    fn from(problem: OutOfBounds) -> Self {
        Self::rule(problem.quote, &problem.place)
    }
}

/// Checks `text` as the reply to `task`: JSON, then its shape and bounds, then the task's own
/// rules.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn check(text: &str, task: &Task) -> Result<Reply, Refusal> {
    let value: Value = serde_json::from_str(without_code_fence(text)).map_err(|e| Refusal {
        failure: Failure::from(FailureKind::InvalidJson),
        quote: format!("not valid JSON: {e}"),
    })?;
    let shape = |e: serde_json::Error| Refusal::rule(e.to_string(), "the reply's shape");
    match task {
        Task::Requirements(task) => {
            let reply = serde_json::from_value(value).map_err(shape)?;
            bounds::requirements(&reply)?;
            Ok(Reply::Requirements(requirements(reply, task)))
        }
        Task::Shares(task) => {
            let reply: SharesReply = serde_json::from_value(value).map_err(shape)?;
            bounds::shares(&reply, task)?;
            shares(&reply, task).map(|shares| Reply::Shares(Some(shares)))
        }
        Task::Prose(task) => {
            let reply: ProseReply = serde_json::from_value(value).map_err(shape)?;
            bounds::prose(&reply)?;
            let prose = Prose {
                summary: tidy(&reply.summary),
                atmosphere: tidy(&reply.atmosphere),
                arrival_note: tidy(&reply.arrival_note),
                closing: tidy(&reply.closing),
            };
            prose_check::check(&prose, task)
                .map_err(|problem| Refusal::rule(problem.quote, &problem.place))?;
            Ok(Reply::Prose(prose))
        }
    }
}

/// Models without a constrained sampler like to wrap JSON in a Markdown code block.
fn without_code_fence(text: &str) -> &str {
    let text = text.trim();
    let Some(inner) = text.strip_prefix("```") else { return text };
    let inner = inner.strip_prefix("json").unwrap_or(inner);
    inner.strip_suffix("```").unwrap_or(inner).trim()
}

/// One paragraph, single spaces.
fn tidy(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the rules read, plus what the LLM adds out of the vocabularies, without anything that the
/// vision rules out in so many words.
fn requirements(reply: RequirementsReply, task: &RequirementsTask) -> Requirements {
    let wishes: Wishes = wishes(&task.vision);
    let read = rules::requirements_of(&wishes, task);
    let merged = |field: Field, read: Vec<String>, added: Vec<String>| -> Vec<String> {
        let all: BTreeSet<String> = read.into_iter().chain(added).collect();
        let unwanted = |name: &str| wishes.unwanted.iter().any(|term| *term == (field, name));
        all.into_iter().filter(|name| !unwanted(name)).collect()
    };
    Requirements {
        keywords: read.keywords,
        styles: merged(Field::Styles, read.styles, reply.styles),
        cuisines: merged(Field::Cuisines, read.cuisines, reply.cuisines),
        amenities: merged(Field::Amenities, read.amenities, reply.amenities),
        venue_types: merged(Field::VenueTypes, read.venue_types, reply.venue_types),
        video: (read.video || reply.video) && !wishes.unwanted.contains(&(Field::Video, "video")),
    }
}

fn shares(reply: &SharesReply, task: &SharesTask) -> Result<Vec<Shares>, Refusal> {
    Strategy::ALL
        .into_iter()
        .map(|strategy| {
            let lines = match strategy {
                Strategy::Balanced => &reply.balanced,
                Strategy::VenueAndFood => &reply.venue_and_food,
                Strategy::Experience => &reply.experience,
            };
            strategy_shares(strategy, lines, task)
        })
        .collect()
}

/// DESIGN: shares are used only if they are ≥ 0, sum to 1 ± 0.01, and every required category
/// has more than 0.
fn strategy_shares(
    strategy: Strategy,
    lines: &[ShareLine],
    task: &SharesTask,
) -> Result<Shares, Refusal> {
    let refuse = |problem: String| {
        Refusal::rule(format!("strategy {strategy}: {problem}"), &format!("shares of {strategy}"))
    };
    let mut shares: BTreeMap<Category, f64> = BTreeMap::new();
    for line in lines {
        if !line.share.is_finite() || line.share < 0.0 {
            return Err(refuse(format!("the share of {} is below 0", line.category)));
        }
        if shares.insert(line.category.as_str().into(), line.share).is_some() {
            return Err(refuse(format!("{} stands twice", line.category)));
        }
    }
    for category in &task.categories {
        match shares.get(&category.name) {
            None => return Err(refuse(format!("{} is missing", category.name))),
            Some(share) if category.required && *share <= 0.0 => {
                return Err(refuse(format!("{} is required but gets nothing", category.name)));
            }
            Some(_) => {}
        }
    }
    let sum: f64 = shares.values().sum();
    if (sum - 1.0).abs() > SHARES_TOLERANCE {
        return Err(refuse(format!("the shares sum to {sum:.4}, not to 1")));
    }
    scale_to_one(&mut shares, sum);
    Ok(Shares { strategy, shares })
}

/// Scales shares of this sum to 1, in whole billionths, so that a share is the same after it was
/// written as a decimal and read again. What rounding leaves over goes to the largest.
fn scale_to_one(shares: &mut BTreeMap<Category, f64>, sum: f64) {
    let mut left = BILLIONTHS;
    for share in shares.values_mut() {
        let billionths = (*share / sum * BILLIONTHS).round();
        left -= billionths;
        *share = billionths / BILLIONTHS;
    }
    if let Some(largest) = shares.values_mut().max_by(|a, b| a.total_cmp(b)) {
        *largest = ((*largest * BILLIONTHS).round() + left) / BILLIONTHS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ShareCategory;
    use model::EventType;

    fn vision(text: &str) -> Task {
        Task::Requirements(RequirementsTask {
            event_type: EventType::Wedding,
            vision: text.to_owned(),
            keywords: vec!["garden".to_owned()],
        })
    }

    #[test]
    fn wishes_are_added_out_of_the_vocabularies_and_never_against_the_vision() {
        let task = vision("no rustic look, but a garden");
        let text = r#"```json
            {"styles":["rustic","vintage"],"cuisines":[],"amenities":["stage"],
             "venue_types":[],"video":true}```"#;
        let Reply::Requirements(found) = check(text, &task).unwrap() else { panic!() };
        assert_eq!(found.styles, ["garden", "vintage"]);
        assert_eq!(found.amenities, ["stage"]);
        assert_eq!(found.keywords, ["garden"]);
        assert!(found.video);
    }

    #[test]
    fn bad_replies_are_refused_without_their_text_in_the_failure() {
        let whole = r#"{"styles":[],"cuisines":[],"amenities":[],"venue_types":[],"video":false"#;
        for (text, kind) in [
            ("", FailureKind::InvalidJson),
            ("secret words", FailureKind::InvalidJson),
            (whole, FailureKind::InvalidJson),
            (&format!("{whole}}} secret"), FailureKind::InvalidJson),
            (&format!("{whole},\"secret\":1}}"), FailureKind::InvalidReply),
            (&whole.replace("\"styles\":[]", "\"styles\":[\"secret\"]"), FailureKind::InvalidJson),
            (
                &format!("{}}}", whole.replace("\"styles\":[]", "\"styles\":[\"secret\"]")),
                FailureKind::InvalidReply,
            ),
            (&"[".repeat(100_000), FailureKind::InvalidJson),
            ("null", FailureKind::InvalidReply),
        ] {
            let refusal = check(text, &vision("x")).unwrap_err();
            assert_eq!(refusal.failure.kind, kind, "{}", &text[..text.len().min(200)]);
            assert!(!refusal.failure.to_string().contains("secret"), "{}", refusal.failure);
        }
    }

    #[test]
    fn shares_are_scaled_to_one_or_refused() {
        let task = Task::Shares(SharesTask {
            event_type: EventType::Gala,
            guests: 100,
            budget: None,
            categories: vec![
                ShareCategory { name: "venue".into(), required: true },
                ShareCategory { name: "music".into(), required: false },
            ],
        });
        let reply = |balanced: &str| {
            let good = r#"[{"category":"venue","share":1},{"category":"music","share":0}]"#;
            format!(r#"{{"balanced":{balanced},"venue_and_food":{good},"experience":{good}}}"#)
        };
        let good =
            reply(r#"[{"category":"venue","share":0.605},{"category":"music","share":0.4}]"#);
        let Reply::Shares(Some(found)) = check(&good, &task).unwrap() else { panic!() };
        assert_eq!(found.len(), 3);
        assert!((found[0].shares.values().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(found[0].shares[&"venue".into()], 0.601_990_05);
        for bad in [
            r#"[{"category":"venue","share":0.5},{"category":"music","share":0.4}]"#,
            r#"[{"category":"venue","share":0},{"category":"music","share":1}]"#,
            r#"[{"category":"venue","share":1.2},{"category":"music","share":-0.2}]"#,
            r#"[{"category":"venue","share":0.5},{"category":"venue","share":0.5}]"#,
            r#"[{"category":"venue","share":1}]"#,
            r#"[{"category":"venue","share":1e999},{"category":"music","share":0}]"#,
        ] {
            assert!(check(&reply(bad), &task).is_err(), "{bad}");
        }
    }
}
