//! The sections of the settings.

/// When a change of a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// From a reload on.
    AtOnce,
    FromTheStart,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub name: &'static str,
    pub about: &'static str,
    /// Of its keys, unless one says otherwise.
    pub holds: Holds,
}

impl Section {
    /// Whether all of it is about one machine.
    pub(crate) fn is_site(&self) -> bool {
        matches!(self.name, "paths" | "control")
    }
}

const fn section(name: &'static str, about: &'static str, holds: Holds) -> Section {
    Section { name, about, holds }
}

use Holds::{AtOnce, FromTheStart};

/// In the order in which they are written.
#[rustfmt::skip]
pub(crate) const SECTIONS: [Section; 12] = [
    section("paths", "Where things lie", FromTheStart),
    section("database", "PostgreSQL: connection, pool, cache of vendor queries", FromTheStart),
    section("llm", "Language models; without endpoints the built-in rules answer alone", FromTheStart),
    section("search", "The beam search and its proof", AtOnce),
    section("workflow", "How one plan is worked on", AtOnce),
    section("plans", "How long plans are kept", AtOnce),
    section("admission", "What is taken in before it is worked on", AtOnce),
    section("supervision", "What happens to an actor that fails", FromTheStart),
    section("control", "The Unix socket that eventplannerctl talks to", FromTheStart),
    section("log", "The structured log on stdout", FromTheStart),
    section("metrics", "The look at the system and the alert rules", FromTheStart),
    section("alerts", "When an alert fires, as a line of the log", AtOnce),
];

/// The section that a key stands in.
pub(crate) fn section_of(key: &str) -> Option<&'static Section> {
    let name = key.split('.').next()?;
    SECTIONS.iter().find(|section| section.name == name)
}
