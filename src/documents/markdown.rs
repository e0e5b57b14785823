//! The blueprint as Markdown, from a template that escapes everything it prints.

use jiff::Zoned;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value,
    syntax::SyntaxConfig,
    value::{Serde, ValueKind},
};

use crate::{
    blueprint::{Blueprint, long_date},
    error::DocumentError,
    escape::{inline, paragraph},
};
use model::clock;

const TEMPLATE: &str = include_str!("blueprint.md.j2");
/// Name of the escaping that the template is under.
const MARKDOWN: &str = "markdown";

/// # Errors
/// Not for a blueprint made by [`Blueprint::new`]; a failure of the template is passed on.
pub(crate) fn markdown(blueprint: &Blueprint) -> Result<String, DocumentError> {
    let mut environment = Environment::new();
    // Block tags stand on lines of their own and leave none behind.
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::Custom(MARKDOWN.into()));
    environment.set_formatter(|output, _, value| {
        if value.is_undefined() || value.is_none() {
            return Err(Error::new(ErrorKind::InvalidOperation, "a value is missing"));
        }
        let text = value.to_string();
        let written = if value.is_safe() { text } else { inline(&text) };
        output.write_str(&written).map_err(Error::from)
    });
    environment.add_filter("paragraph", |text: &str| Value::from_safe_string(paragraph(text)));
    environment.add_filter("words", |text: &str| text.replace('_', " "));
    environment.add_filter("day", |at: &str| zoned(at).map(|at| long_date(&at)));
    environment.add_filter("clock", |at: &str| zoned(at).map(|at| clock(&at)));
    environment.add_filter("clock_after", clock_after);
    environment.add_filter("zone", |at: &str| {
        zoned(at).map(|at| at.time_zone().iana_name().unwrap_or("UTC").to_owned())
    });
    environment.add_filter("sentence", sentence);
    environment.add_filter("quantity", quantity);
    environment.add_filter("ratio", |ratio: f64| format!("{ratio:.4}"));
    environment
        .add_filter("is_due", |amount: &str| amount.bytes().any(|b| matches!(b, b'1'..=b'9')));
    let template = environment.template_from_named_str("blueprint.md", TEMPLATE)?;
    Ok(template.render(Serde(blueprint))?)
}

fn zoned(at: &str) -> Result<Zoned, Error> {
    at.parse().map_err(|_| Error::new(ErrorKind::InvalidOperation, "not a zoned time"))
}

/// The time of day, with the number of days where it is not the day of `start`.
fn clock_after(at: &str, start: &str) -> Result<String, Error> {
    let (at, start) = (zoned(at)?, zoned(start)?);
    let days = start.date().duration_until(at.date()).as_hours() / 24;
    let day = if days == 0 { String::new() } else { format!(" ({days:+} d)") };
    Ok(format!("{}{day}", clock(&at)))
}

/// The same with a capital letter in front.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A number without a fraction that is none: `200`, `7.5`.
fn quantity(value: &Value) -> Result<String, Error> {
    match (value.kind(), f64::try_from(value.clone())) {
        (ValueKind::Number, Ok(number)) => Ok(number.to_string()),
        _ => Err(Error::new(ErrorKind::InvalidOperation, "not a number")),
    }
}
