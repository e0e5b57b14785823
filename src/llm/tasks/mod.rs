//! What the gateway is asked, and what it answers.

pub(crate) mod bounds;
pub(crate) mod check;
pub(crate) mod phrases;
pub(crate) mod prompts;
pub(crate) mod prose_check;
pub(crate) mod quote_untrusted;
pub mod rules;
pub(crate) mod schema;
pub mod vocabulary;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::FailureKind;
use model::{Budget, Category, EventType, Prose, Requirements, Shares};

/// Who waits: a person before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    Interactive,
    Background,
}

/// One question of an agent.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    Requirements(RequirementsTask),
    Shares(SharesTask),
    Prose(ProseTask),
}

/// Read wishes out of a client's vision.
#[derive(Clone, Debug, PartialEq)]
pub struct RequirementsTask {
    pub event_type: EventType,
    /// The client's own words: untrusted.
    pub vision: String,
    /// Stems of the vision, computed by the caller; handed back unchanged.
    pub keywords: Vec<String>,
}

/// Propose how each strategy splits the budget.
#[derive(Clone, Debug, PartialEq)]
pub struct SharesTask {
    pub event_type: EventType,
    pub guests: u32,
    pub budget: Option<Budget>,
    /// In category order, without repetition.
    pub categories: Vec<ShareCategory>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareCategory {
    pub name: Category,
    /// A required category needs a share above 0.
    pub required: bool,
}

/// Write the blueprint's connecting text out of facts.
#[derive(Clone, Debug, PartialEq)]
pub struct ProseTask {
    pub event_type: EventType,
    pub city: String,
    pub guests: u32,
    /// The date as the document prints it, e.g. `Sunday, 14 February 2027`.
    pub date_text: String,
    /// The start as the document prints it, e.g. `18:00`.
    pub start_text: String,
    /// Styles of the plan, for the tone.
    pub styles: Vec<String>,
    /// The client's own words: untrusted, for the tone only.
    pub vision: String,
    /// The chosen vendors, in category order. Names come from imports: untrusted.
    pub vendors: Vec<ProseVendor>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProseVendor {
    pub category: Category,
    pub name: String,
}

/// The reply to a [`Task`] of the same name, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    Requirements(Requirements),
    /// One entry per strategy, each summing to 1; `None`: no proposal, use the documented
    /// default.
    Shares(Option<Vec<Shares>>),
    Prose(Prose),
}

/// A reply and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Of the same kind as the task.
    pub reply: Reply,
    /// The endpoint's name, or `rules`.
    pub server: String,
    /// `None` for `rules`.
    pub model: Option<String>,
    /// Out of the response cache.
    pub cached: bool,
    /// Why servers that stand before this one did not answer; `None` where nothing failed.
    /// Never holds prompt or reply text.
    pub fallback: Option<String>,
    /// What went wrong at the last of them.
    pub last_failure: Option<FailureKind>,
    /// From the question to the answer.
    pub elapsed: Duration,
}

/// Kinds of tasks: each has its own prompt and schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    Requirements,
    Shares,
    Prose,
}

impl TaskKind {
    pub const ALL: [Self; 3] = [Self::Requirements, Self::Shares, Self::Prose];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Shares => "shares",
            Self::Prose => "prose",
        }
    }

    /// Tokens a reply may have. Each schema's longest sensible reply fits; more is truncation.
    pub(crate) const fn max_tokens(self) -> u32 {
        match self {
            Self::Requirements => 512,
            Self::Shares => 1_024,
            Self::Prose => 1_024,
        }
    }
}

impl Task {
    pub const fn kind(&self) -> TaskKind {
        match self {
            Self::Requirements(_) => TaskKind::Requirements,
            Self::Shares(_) => TaskKind::Shares,
            Self::Prose(_) => TaskKind::Prose,
        }
    }
}
