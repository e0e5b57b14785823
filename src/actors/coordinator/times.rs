//! Times of a request that can't be held whoever is engaged: told by field before it is stored.

use serde::Deserialize;

use model::{CategoryDef, FieldErrors, Request};
use planning::timeline::{Impossible, impossible};

/// The names of a document's functions, in its order; the request has them by start.
#[derive(Default, Deserialize)]
struct Written {
    #[serde(default)]
    functions: Vec<WrittenFunction>,
}

#[derive(Deserialize)]
struct WrittenFunction {
    name: String,
}

/// Each clash at the field of its latest time, with both times in its message.
pub(crate) fn check(request: &Request, categories: &[CategoryDef], document: &[u8]) -> FieldErrors {
    let found = impossible(request, categories);
    let mut errors = FieldErrors::default();
    if found.is_empty() {
        return errors;
    }
    let written: Written = serde_json::from_slice(document).unwrap_or_default();
    for clash in found {
        let Impossible { function, anchor, message, hint } = clash;
        let place = function.map(|function| place_in(request, &written, function));
        let part = place.map_or_else(String::new, |place| format!("functions[{place}]."));
        let field = match (anchor, function) {
            (Some(anchor), _) => format!("{part}anchors[{anchor}].at"),
            (None, Some(_)) => format!("{part}start"),
            (None, None) => "hours".to_owned(),
        };
        errors.push(field, message, hint);
    }
    errors
}

/// Where the document has a function of the request; a replanned one has no document, and then
/// their order by start counts.
fn place_in(request: &Request, written: &Written, function: usize) -> usize {
    let name = request.functions.get(function).map(|function| function.name.as_str());
    let named = written.functions.iter().position(|own| Some(own.name.trim()) == name);
    named.unwrap_or(function)
}
