//! Reads a problem file: one JSON document in UTF-8, of a bounded size, of the right shape.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::service::exit::Failed;
use model::{FieldError, FieldErrors, shape_error};
use planning::problem_file::{Loaded, ProblemFile};

/// A larger file isn't read: two million candidates.
const FILE_MAX_BYTES: u64 = 256 * 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The checked problem of a file, or of standard input for `-`.
///
/// # Errors
/// The file can't be read, or what is refused in it, a line per field.
pub(crate) fn read_problem(path: &Path) -> Result<Loaded, Failed> {
    let text = read(path)?;
    parse(&text)
        .and_then(ProblemFile::into_problem)
        .map_err(|errors| Failed::lines(errors.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    let failed = |error: io::Error| Failed::new(format!("cannot read {}: {error}", path.display()));
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut text = Vec::new();
    source.take(FILE_MAX_BYTES + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        let limit = FILE_MAX_BYTES >> 20;
        let message = format!("{} is larger than {limit} MiB", path.display());
        return Err(Failed::new(format!("{message}; leave out candidates that can't be chosen")));
    }
    Ok(text)
}

fn parse(text: &[u8]) -> Result<ProblemFile, FieldErrors> {
    let refused =
        |message: String, hint: &str| FieldErrors::from(FieldError::new(".", message, hint));
    if text.starts_with(BYTE_ORDER_MARK) {
        let message = "begins with a byte order mark".to_owned();
        return Err(refused(message, "save it as UTF-8 without one"));
    }
    if let Err(error) = std::str::from_utf8(text) {
        let message = format!("byte {} is no UTF-8", error.valid_up_to() + 1);
        return Err(refused(message, "save it as UTF-8"));
    }
    if text.trim_ascii().is_empty() {
        return Err(refused("is empty".to_owned(), "write one JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(text);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let read = ProblemFile::read(tracked);
    let file = read.map_err(|error| {
        let text = error.to_string();
        let error = serde_path_to_error::Error::new(track.path(), error);
        let mut errors = shape_error(&error, "write it as the other entries");
        for error in &mut errors.0 {
            // A key that was cut off has no name.
            if let Some(parent) = error.field.strip_suffix(".?") {
                error.field = parent.to_owned();
            }
            error.hint = remedy(&error.field, &text).unwrap_or(&error.hint).to_owned();
        }
        errors
    })?;
    reader.end().map_err(|error| {
        refused(format!("text after the document: {error}"), "leave one JSON object in the file")
    })?;
    Ok(file)
}

/// What to write instead, by what the reader says and the field's name.
fn remedy(path: &str, said: &str) -> Option<&'static str> {
    if said.starts_with("missing field") {
        return None;
    }
    if said.starts_with("duplicate field") {
        return Some("leave one of the two");
    }
    if said.starts_with("more than") {
        return Some("leave some out: more can't be handled");
    }
    let name = path.split('.').next_back().unwrap_or(path);
    let (name, depth) = (name.split('[').next().unwrap_or(name), name.matches('[').count());
    Some(match (name, depth) {
        ("categories" | "candidates", 0) => "write a list",
        ("categories" | "candidates", _) => "write one JSON object",
        ("value" | "use" | "limits", 0) | ("pair_value", 0 | 1) => "write a list of numbers",
        ("value" | "use" | "limits" | "pair_value", _) => "write a finite number",
        ("id" | "same_as", _) => "write text or a whole number",
        ("forbidden_pairs" | "ties", 0) => "write a list of pairs",
        ("forbidden_pairs" | "ties", 1) => "write a list of two ids",
        ("forbidden_pairs" | "ties", _) => "write text or a whole number",
        ("signature", _) => "write the number of a row of pair_value, from 0",
        ("options" | "min_difference", _) => "write a whole number from 1",
        ("required", _) => "write true or false",
        ("name", _) => "write text",
        _ => "write one JSON object",
    })
}
