//! The program's sources as a test reads them: comments and tests left out, strings kept apart.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A source file without comments and tests.
pub struct Source {
    /// From the root: `src/telemetry/lib.rs`.
    pub name: String,
    pub text: String,
}

/// The sources of all rooms.
pub fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut for_tests = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = without_comments(&fs::read_to_string(&path).unwrap());
                let (text, modules) = without_tests(&text);
                for_tests.extend(modules.iter().map(|module| file_of(&path, module)));
                found.push((path, text));
            }
        }
    }
    found.retain(|(path, _)| !for_tests.contains(path));
    let source = |(path, text): (PathBuf, String)| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        Source { name, text }
    };
    found.into_iter().map(source).collect()
}

/// The file of a module that `path` declares.
fn file_of(path: &Path, module: &str) -> PathBuf {
    let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    };
    folder.join(format!("{module}.rs"))
}

/// The length of the string, raw string or character that `text` begins with; 0 for none.
fn literal(text: &str) -> usize {
    let hashes =
        text.strip_prefix('r').map_or(0, |rest| rest.len() - rest.trim_start_matches('#').len());
    let ends_with = |from: usize, end: &str| text[from..].find(end).map(|at| from + at + end.len());
    if text.starts_with('r') && text[1 + hashes..].starts_with('"') {
        return ends_with(2 + hashes, &format!("\"{}", "#".repeat(hashes))).unwrap();
    }
    if text.starts_with('"') {
        let mut escaped = false;
        for (at, c) in text.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return at + 1,
                _ => {}
            }
        }
    }
    let mut chars = text.char_indices();
    if text.starts_with("'\\") {
        return ends_with(3, "'").unwrap();
    }
    // A lifetime has no second quote right after its first character.
    match (chars.next(), chars.next(), chars.next()) {
        (Some((_, '\'')), Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}

pub fn without_comments(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let follows_word = kept.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let length = if follows_word && first == 'r' { 0 } else { literal(rest) };
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if length > 0 {
            kept.push_str(&rest[..length]);
            rest = &rest[length..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

/// The text without the items behind `#[cfg(test)]`, and the modules that have files of their own
/// among them.
pub fn without_tests(text: &str) -> (String, Vec<String>) {
    let mut kept = String::new();
    let mut modules = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = item(rest);
        if let Some((_, name)) = rest[..length].trim_end_matches(';').rsplit_once("mod ")
            && rest[..length].ends_with(';')
        {
            modules.push(name.to_owned());
        }
        rest = &rest[length..];
    }
    kept.push_str(rest);
    (kept, modules)
}

/// The length of an item: to its semicolon, or to the end of its braces.
fn item(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        let length = literal(&text[at..]);
        if length > 0 {
            at += length;
            continue;
        }
        let c = text[at..].chars().next().unwrap();
        at += c.len_utf8();
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at,
            '}' => depth -= 1,
            ';' if depth == 0 => return at,
            _ => {}
        }
    }
    at
}

/// Where `word` stands as a whole word, and what is around it.
pub fn places<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .map(|(at, _)| (&text[..at], &text[at + word.len()..]))
        .filter(move |(before, after)| !before.ends_with(is_part) && !after.starts_with(is_part))
}

/// Whether a place is in a `use`.
pub fn is_import(before: &str) -> bool {
    let statement = before.rfind(';').map_or(before, |at| &before[at + 1..]);
    let statement = statement.trim_start().trim_start_matches("pub ").trim_start();
    statement.starts_with("use ") && !statement.contains("fn ")
}

/// The string literals of a source.
pub fn strings(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = literal(&text[at..]);
        if length > 1 && text[at..].starts_with(['"', 'r']) {
            found.push(&text[at..at + length]);
        }
        at += length.max(text[at..].chars().next().unwrap().len_utf8());
    }
    found
}
