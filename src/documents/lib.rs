//! Floor 2: blueprint renderers.
//!
//! A [`Blueprint`] is put together once, with its sums checked; every renderer is a function of
//! it alone, so the same blueprint gives the same bytes. [`FORMS`] names them all: whoever stores,
//! lists or saves documents goes by what [`render`] returns.

mod blueprint;
mod calendar;
mod error;
mod escape;
mod facts;
mod json;
mod markdown;

pub use blueprint::{Blueprint, Sources};
pub use error::DocumentError;
pub use facts::{
    ActivityRow, Brief, BudgetFacts, CallTimes, EventFacts, OptionRow, OptionVendor, SourceRow,
};

use model::CalledOff;
use wire::Document;

/// One form of the blueprint.
pub struct Form {
    /// The document's file name.
    pub name: &'static str,
    pub media_type: &'static str,
    write: fn(&Blueprint) -> Result<String, DocumentError>,
}

/// The forms that a blueprint is written in.
pub const FORMS: &[Form] = &[
    Form {
        name: "blueprint.md",
        media_type: "text/markdown; charset=utf-8",
        write: markdown::markdown,
    },
    Form { name: json::NAME, media_type: "application/json", write: json::json },
    Form {
        name: "blueprint.ics",
        media_type: "text/calendar; charset=utf-8",
        write: |blueprint| Ok(calendar::calendar(blueprint)),
    },
];

/// The blueprint in all its forms.
///
/// # Errors
/// Not for a blueprint made by [`Blueprint::new`]; a failure of a renderer is passed on.
pub fn render(blueprint: &Blueprint) -> Result<Vec<Document>, DocumentError> {
    let document = |form: &Form| {
        let body = (form.write)(blueprint)?.into_bytes();
        Ok(Document { name: form.name.to_owned(), media_type: form.media_type.to_owned(), body })
    };
    FORMS.iter().map(document).collect()
}

/// The documents of a plan that was called off, written anew from the blueprint as it was stored.
/// What can't be read as one, being another version's, is left as it was.
pub fn call_off(documents: &[Document], how: CalledOff) -> Vec<Document> {
    let stored = documents.iter().find(|document| document.name == json::NAME);
    let read = stored.and_then(|stored| serde_json::from_slice::<Blueprint>(&stored.body).ok());
    let called_off = read.map(|blueprint| Blueprint { called_off: Some(how), ..blueprint });
    called_off.and_then(|blueprint| render(&blueprint).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
