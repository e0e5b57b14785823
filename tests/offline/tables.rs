//! Every entry of a table is produced by the program, and every name of a setting that a text
//! gives is one: a signal that can't occur, and advice that can't be followed, fail here.

use std::{collections::BTreeSet, fs};

use crate::sources::{
    Source, is_import, places, root, sources, strings, without_comments, without_tests,
};
use eventplanner::{
    config::keys,
    telemetry::{
        alerts::ALERTS,
        figures::metrics::{self, Metric},
        log::events,
    },
};

#[test]
fn the_reader_leaves_comments_and_tests_out() {
    let text = r##"
fn a() { let brace = '{'; let quote = "\"} // no comment"; } // gone "
/// #[cfg(test)] is not code here
#[cfg(test)]
mod tests { fn b() { let x = r#"}"#; } }
fn c<'a>(x: &'a str) {}
#[cfg(test)]
pub(crate) mod model;
"##;
    let (kept, modules) = without_tests(&without_comments(text));
    assert!(kept.contains("// no comment") && kept.contains("fn c<'a>"), "{kept}");
    assert!(!kept.contains("gone") && !kept.contains("fn b"), "{kept}");
    assert_eq!(modules, ["model"]);
    let sources = sources();
    let names: BTreeSet<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    assert!(names.contains("src/telemetry/figures/metrics.rs") && names.len() > 200);
    assert!(!names.contains("src/actors/supervision/tests.rs"));
}

/// The constants of a table, in its order: `NAME Kind "name" …` or `NAME Level "name" …`.
fn constants(table: &str, names: &[&str]) -> Vec<String> {
    let text = fs::read_to_string(root().join(table)).unwrap();
    let constant = |name: &&str| {
        let row = text.lines().find(|line| line.contains(&format!(" \"{name}\" [")));
        let row = row.unwrap_or_else(|| panic!("{table} has no row of {name}"));
        row.split_whitespace().next().unwrap().to_owned()
    };
    names.iter().map(constant).collect()
}

#[test]
fn every_event_of_the_log_is_logged_somewhere() {
    const TABLE: &str = "src/telemetry/log/events.rs";
    let sources = sources();
    let names: Vec<&str> = events::ALL.iter().map(|event| event.name).collect();
    for constant in constants(TABLE, &names) {
        // As the first of a record's fields: `info!(log, "…"; NAME, …)`.
        let is_logged = |source: &Source| {
            source.name != TABLE
                && places(&source.text, &constant).any(|(before, _)| {
                    before.trim_end().trim_end_matches("events::").trim_end().ends_with(';')
                        && !is_import(before)
                })
        };
        assert!(sources.iter().any(is_logged), "nothing logs the event {constant}");
    }
}

#[test]
fn every_metric_and_each_value_of_its_last_label_is_counted_somewhere() {
    const TABLE: &str = "src/telemetry/figures/metrics.rs";
    let reads = [
        "src/telemetry/report/",
        "src/telemetry/alerts/",
        "src/telemetry/figures/snapshot.rs",
        TABLE,
    ];
    let mut sources = sources();
    sources.retain(|source| !reads.iter().any(|read| source.name.starts_with(read)));
    let names: Vec<&str> = metrics::ALL.iter().map(|metric| metric.name).collect();
    let short: Vec<&str> =
        names.iter().map(|name| name.strip_prefix("eventplanner_").unwrap()).collect();
    for (constant, metric) in constants(TABLE, &short).iter().zip(metrics::ALL) {
        // A read has a closure that picks label sets, or takes the metric alone.
        let is_counted = |source: &&Source| {
            places(&source.text, constant).any(|(before, after)| {
                let after = after.trim_start();
                let reads = after.strip_prefix(',').is_some_and(|next| {
                    next.trim_start().starts_with('|') || next.trim_start().starts_with("is_")
                });
                !is_import(before) && !reads && !after.starts_with("::")
            })
        };
        assert!(sources.iter().any(|source| is_counted(&source)), "nothing counts {constant}");
        assert_values(&sources, constant, metric);
    }
}

/// The label's values are written by the program: as literals beside the metric, or as the names
/// of one enum's variants, each of which is made somewhere.
fn assert_values(sources: &[Source], constant: &str, metric: &Metric) {
    let beside = |value: &&&str| {
        let quoted = format!("\"{value}\"");
        let counts = |source: &&Source| places(&source.text, constant).next().is_some();
        sources.iter().filter(counts).any(|source| source.text.contains(&quoted))
    };
    let (_, of_enum): (Vec<&&str>, Vec<&&str>) = metric.values.iter().partition(beside);
    if of_enum.is_empty() {
        return;
    }
    // Each enum that has all of the others, with its variants that nothing makes.
    let mut unmade = Vec::new();
    for source in sources {
        for (owner, arms) in enums(&source.text) {
            let variants: Option<Vec<&str>> = of_enum
                .iter()
                .map(|value| Some(arms.iter().find(|(_, name)| name == *value)?.0))
                .collect();
            let Some(variants) = variants else { continue };
            let is_missing = |variant: &&str| !is_made(sources, source, owner, variant);
            let missing: Vec<&str> = variants.into_iter().filter(is_missing).collect();
            if missing.is_empty() {
                return;
            }
            unmade.push(format!("{owner}::{missing:?}"));
        }
    }
    panic!("{} is never counted with each of {of_enum:?}; nothing makes {unmade:?}", metric.name);
}

/// A variant of an enum and its name.
type Arm<'a> = (&'a str, &'a str);

/// The enums that give their variants names, as `Self::Variant => "name",`.
fn enums(text: &str) -> Vec<(&str, Vec<Arm<'_>>)> {
    let mut found = Vec::new();
    for implementation in text.split("\nimpl").skip(1) {
        let head = implementation.split('{').next().unwrap_or_default().trim();
        let owner = head.rsplit(' ').next().unwrap_or_default();
        let arms: Vec<Arm<'_>> = implementation
            .lines()
            .filter_map(|line| {
                let (pattern, name) = line.trim().strip_prefix("Self::")?.split_once("=> \"")?;
                Some((pattern.split([' ', '(', '{']).next()?, name.trim_end_matches("\",")))
            })
            .collect();
        if !arms.is_empty() {
            found.push((owner, arms));
        }
    }
    found
}

/// Whether a variant is made: stands anywhere but in a pattern, a comparison or the list of all.
fn is_made(sources: &[Source], home: &Source, owner: &str, variant: &str) -> bool {
    let made = |text: &str, name: &str| {
        places(text, name).any(|(before, after)| {
            let line = before.rsplit('\n').next().unwrap_or_default();
            let statement = before.rsplit(['{', '}']).next().unwrap_or_default();
            let statement = statement.rsplit(";\n").next().unwrap_or_default();
            let next = after.trim_start();
            let is_pattern = next.starts_with("=>")
                || next.starts_with('|')
                || next.starts_with("if ")
                || (next.starts_with(['{', '(']) && matched(next))
                || statement.contains("matches!(")
                || statement.contains("if let ")
                || (statement.contains("let ") && !statement.contains('='));
            let is_compared = line.trim_end().ends_with("==")
                || line.trim_end().ends_with("!=")
                || next.starts_with("==")
                || next.starts_with("!=");
            let is_listed = statement.contains("const ALL");
            !is_pattern && !is_compared && !is_listed
        })
    };
    // By `Default`.
    let is_default = home.text.split("#[default]").skip(1).any(|rest| {
        rest.trim_start().strip_prefix(variant).is_some_and(|rest| rest.starts_with([',', '\n']))
    });
    let qualified = format!("{owner}::{variant}");
    sources.iter().any(|source| made(&source.text, &qualified))
        || made(&home.text, &format!("Self::{variant}"))
        || is_default
}

/// Whether the fields in brackets are those of a pattern: an arrow follows them.
fn matched(text: &str) -> bool {
    let close = if text.starts_with('{') { '}' } else { ')' };
    let after = text.split_once(close).map_or("", |(_, after)| after).trim_start();
    after.starts_with("=>") || after.starts_with('|')
}

/// What looks like the name of a setting: a section, a dot, and a word.
fn settings_in(text: &str) -> Vec<String> {
    let sections: BTreeSet<&str> = keys().filter_map(|key| key.name.split('.').next()).collect();
    let is_part = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.' || c.is_ascii_digit();
    let mut found = Vec::new();
    for section in sections {
        for (at, _) in text.match_indices(&format!("{section}.")) {
            // A path, an address or an expression in braces is none.
            let stands_alone =
                !text[..at].ends_with(|c: char| c.is_alphanumeric() || "_./-{".contains(c));
            let name: String = text[at..].chars().take_while(|c| is_part(*c)).collect();
            let name = name.trim_end_matches('.');
            let word = name.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            let is_word =
                word.is_some_and(|word| word.starts_with(|c: char| c.is_ascii_lowercase()));
            if stands_alone && is_word {
                found.push(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_setting_that_a_text_names_exists() {
    let names: BTreeSet<&str> = keys().map(|key| key.name).collect();
    let known = |name: &str| {
        // A section by its name, the endpoints' own table, and the socket's file.
        names.contains(name)
            || names.iter().any(|key| key.strip_prefix(name).is_some_and(|k| k.starts_with('.')))
            || name == "llm.endpoints"
            || name.starts_with("llm.endpoints.")
            || name == "control.sock"
    };
    let mut texts: Vec<(String, String)> = Vec::new();
    for name in ["README.md", "etc/alerting/README.md"] {
        texts.push((name.into(), fs::read_to_string(root().join(name)).unwrap()));
    }
    for entry in fs::read_dir(root().join("etc/man")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().replace("\\-", "-").replace("\\&", "");
        texts.push((path.display().to_string(), text));
    }
    for source in sources() {
        texts.extend(strings(&source.text).iter().map(|s| (source.name.clone(), (*s).to_owned())));
    }
    let mut seen = BTreeSet::new();
    for (place, text) in &texts {
        for name in settings_in(text) {
            assert!(known(&name), "{place} names {name}, which is no setting");
            seen.insert(name);
        }
    }
    for expected in ["plans.keep_days", "search.proof_nodes", "workflow.agent_timeout"] {
        assert!(
            seen.contains(expected),
            "{expected} is read nowhere: does this test see anything?"
        );
    }
}

/// What fires must say what to do, where the man page says more.
#[test]
fn every_alert_has_its_runbook_and_its_section_in_the_handbook() {
    let page = fs::read_to_string(root().join("etc/man/eventplanner-alerts.7")).unwrap();
    for rule in ALERTS {
        assert!(rule.runbook.len() > 20 && rule.runbook.ends_with('.'), "{}", rule.name);
        let section = page.split(&format!("\n.SS {}\n", rule.name)).nth(1);
        let section = section.unwrap_or_else(|| panic!("no section for {}", rule.name));
        let section = section.split("\n.SS ").next().unwrap();
        assert!(section.contains("Look:") && section.contains(".RS"), "{} has no steps", rule.name);
    }
}
