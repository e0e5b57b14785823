//! Proves the floors of ARCHITECTURE.md by reading the imports under src/: they only go down, and
//! rooms of one floor don't import each other; the planning core has no clock, IO or framework.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Rooms by floor, the lowest first.
const FLOORS: [&[&str]; 6] = [
    &["model"],
    &["planning"],
    &["catalog", "control", "documents", "llm", "store", "telemetry"],
    &["config"],
    &["actors"],
    &["ctl", "daemon"],
];

/// What pure rooms never mention outside comments.
const IMPURE: [&str; 16] = [
    "actix",
    "tokio",
    "tokio_postgres",
    "bb8",
    "reqwest",
    "slog",
    "serde_json",
    "SystemTime",
    "Instant",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "Timestamp::now",
    "Zoned::now",
];

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn source_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Rust files below, with their paths relative to src/.
fn rust_files(dir: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = without_comments(&fs::read_to_string(&path).unwrap());
            found.push((path.strip_prefix(source_dir()).unwrap().to_owned(), text));
        }
    }
    found
}

/// Line comments out; `//` inside a string costs the rest of its line, which no import shares.
fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// The first names behind every `PREFIX::name` and `PREFIX::{name::…, name, …}`.
fn names_behind(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            continue;
        }
        let rest = text[at + prefix.len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.extend(head(rest)),
        }
    }
    names
}

/// The first name of each path of a group, up to its closing brace.
fn group_heads(group: &str) -> Vec<String> {
    let mut depth = 0;
    let mut starts = vec![0];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => starts.push(at + 1),
            _ => {}
        }
    }
    starts.into_iter().filter_map(|at| head(group[at..].trim_start())).collect()
}

fn head(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Rooms that a file names: by `crate::`, and by enough `super::` to leave its own room.
fn rooms_named(path: &Path, text: &str) -> BTreeSet<String> {
    let mut names = names_behind(text, "crate::");
    let parts = path.components().count();
    let is_mod = path.file_name().is_some_and(|name| name == "mod.rs");
    let supers = if is_mod { parts - 1 } else { parts };
    names.extend(names_behind(text, &"super::".repeat(supers)));
    names.retain(|name| floor_of(name).is_some());
    names
}

#[test]
fn every_room_has_a_floor() {
    let rooms: BTreeSet<String> = fs::read_dir(source_dir())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "bin")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let expected = FLOORS.concat().iter().map(|room| (*room).to_owned()).collect();
    assert_eq!(rooms, expected, "rooms under src/, and rooms with a floor");
}

#[test]
fn imports_only_go_down() {
    let mut wrong = BTreeMap::new();
    let mut arrows = 0;
    for (path, text) in rust_files(&source_dir()) {
        let room = path.iter().next().unwrap().to_str().unwrap().to_owned();
        let Some(floor) = floor_of(&room) else { continue };
        for named in rooms_named(&path, &text) {
            arrows += 1;
            if named != room && floor_of(&named) >= Some(floor) {
                wrong.entry(path.display().to_string()).or_insert_with(Vec::new).push(named);
            }
        }
    }
    assert!(wrong.is_empty(), "these import sideways or upwards: {wrong:#?}");
    assert!(arrows > 10, "only {arrows} imports found: does this test still read them?");
}

#[test]
fn the_lowest_floors_are_pure() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files(&source_dir()) {
        let is_planning = path.starts_with("planning");
        if !is_planning && !path.starts_with("model") {
            continue;
        }
        // Tests may read JSON and the like.
        if path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("_tests")) {
            continue;
        }
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for word in IMPURE {
            // The nouns can be read from and written to JSON.
            let allowed = !is_planning && word == "serde_json";
            let whole = |at: usize| {
                let outside = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
                outside(text[..at].chars().next_back())
                    && outside(text[at + word.len()..].chars().next())
            };
            if !allowed && text.match_indices(word).any(|(at, _)| whole(at)) {
                wrong.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn imports_are_read_in_every_form() {
    let text = "use crate::store::Pool;\nuse crate::{\n    llm::{a, b},\n    model,\n};\n\
                fn f() { crate::config::x(); my_crate::actors::y(); }\n";
    assert_eq!(
        names_behind(text, "crate::").into_iter().collect::<Vec<_>>(),
        ["config", "llm", "model", "store"]
    );
    let inner =
        rooms_named(Path::new("store/pool.rs"), "use super::super::llm::X; use super::ctl;");
    assert_eq!(inner.into_iter().collect::<Vec<_>>(), ["llm"]);
    let module = rooms_named(Path::new("store/mod.rs"), "use super::{daemon, settings};");
    assert_eq!(module.into_iter().collect::<Vec<_>>(), ["daemon"]);
    assert_eq!(without_comments("a // crate::x\nb"), "a \nb\n");
}
