//! Settings as TOML: what `print-config` shows, and the annotated file that is shipped.

use std::fmt::Write;

use super::{
    key::Key,
    keys::{ENDPOINT_KEYS, keys},
    sections::section_of,
};
use crate::{
    settings::Settings,
    sources::endpoints::{self, new_endpoint},
};
use llm::settings::{EndpointSettings, ServerKind};

impl Settings {
    /// Every setting as it is in force, in TOML that [`Settings::load`] reads again. The password
    /// of `database.url` is masked.
    pub fn to_toml(&self) -> String {
        let mut text = String::new();
        if let Some(profile) = &self.profile {
            text = format!("# With profile {}.\n\n", profile.escape_debug());
        }
        write_sections(&mut text, keys(), self, None);
        for endpoint in &self.llm.endpoints {
            text.push_str("\n[[llm.endpoints]]\n");
            for key in ENDPOINT_KEYS {
                line(&mut text, key, endpoint);
            }
        }
        text
    }

    /// Every setting that is not about one machine, as a profile has them. The profiles that are
    /// shipped are exactly this text under their heads.
    pub fn to_profile(&self) -> String {
        let mut text = String::new();
        write_sections(&mut text, keys().filter(|key| !key.is_site()), self, None);
        text
    }
}

/// The annotated settings file: every key with its meaning, unit, default and range.
/// `etc/eventplanner.toml` is exactly this text.
pub fn annotated_defaults() -> String {
    let mut text = String::from(HEADER);
    let defaults = Settings::default();
    write_sections(&mut text, keys(), &defaults, Some(&defaults));
    text.push_str(ENDPOINTS_HEADER);
    let mut example = new_endpoint();
    example.model = endpoints::DEFAULT_OLLAMA_MODEL.into();
    let defaults = EndpointSettings { kind: ServerKind::Ollama, ..new_endpoint() };
    text.push_str("# [[llm.endpoints]]\n");
    for key in ENDPOINT_KEYS {
        comment(&mut text, "# # ", &key.annotation(&defaults));
        let _ = writeln!(text, "# {} = {}", key.short_name(), key.toml_value(&example));
    }
    text
}

const HEADER: &str = "\
# Settings of eventplannerd. Every setting is here, with its unit, default and range; a line that
# is left out has its default. A time is written \"500ms\", \"30s\", \"5m\", \"1h 30m\" or \"14d\"; a bare
# number counts seconds. Unknown keys are refused: `eventplannerd check-config FILE` tells.
#
# A profile is laid over this file, the environment over both:
#   EVENTPLANNER__DATABASE__POOL_SIZE=25 sets database.pool_size.

# Name of a profile (development, performance, or a file in profiles/ beside this one) or a path.
# profile = \"performance\"
";

const ENDPOINTS_HEADER: &str = "
# LLM servers, tried in this order; the built-in rules come last. One section for each:
#
";

/// Writes plain sections; with `annotate`, each key's meaning above it.
fn write_sections(
    text: &mut String,
    keys: impl Iterator<Item = &'static Key<Settings>>,
    settings: &Settings,
    annotate: Option<&Settings>,
) {
    let mut section = "";
    for key in keys {
        if key.section() != section {
            section = key.section();
            // A section within a section needs no further word.
            let about = section_of(section).filter(|whole| whole.name == section);
            if !text.is_empty() {
                text.push('\n');
            }
            if let Some(about) = about.filter(|_| annotate.is_some()) {
                let _ = writeln!(text, "# {}.", about.about);
            }
            let _ = writeln!(text, "[{section}]");
        }
        if let Some(defaults) = annotate {
            comment(text, "# ", &key.annotation(defaults));
        }
        line(text, key, settings);
    }
}

fn line<T>(text: &mut String, key: &Key<T>, settings: &T) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} = {}", key.short_name(), key.toml_value(settings));
}

/// Columns of a line of the annotated file.
const COLUMNS: usize = 98;

fn comment(text: &mut String, prefix: &str, words: &str) {
    let mut column = 0;
    for word in words.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > COLUMNS {
            text.push('\n');
            column = 0;
        }
        let gap = if column == 0 { prefix } else { " " };
        text.push_str(gap);
        text.push_str(word);
        column += gap.len() + length;
    }
    text.push('\n');
}
