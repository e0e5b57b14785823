//! A vendor as a CSV's record: the cells of the columns in `fields`, read into JSON and written
//! from it.
//!
//! Lists are separated by `;`, the parts of a list's item by `|`; a backslash before `;`, `|` or
//! `\` takes the sign itself. An empty cell is an absent field. `pricing` holds
//! `label|basis|amount|currency` or `label|basis|amount|currency|option`; `contact` holds
//! `key|value`, and any `contact.KEY` may be a column of its own.

use serde_json::{Map, Value, json};

use super::fields::{COLUMNS, Cell};
use model::{FieldErrors, Vendor};

/// The parts of a price, as a file writes them; the last one may be absent.
const PRICE_PARTS: [&str; 5] = ["label", "basis", "amount", "currency", "option"];

/// The columns of one file, in its order.
pub(crate) struct Header(Vec<(String, Cell)>);

impl Header {
    /// # Errors
    /// Columns that are unknown or stand twice.
    pub(crate) fn parse<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut columns: Vec<(String, Cell)> = Vec::new();
        for name in names {
            let name = String::from_utf8_lossy(name).trim().to_owned();
            let known = COLUMNS.iter().find(|(column, _)| *column == name).map(|(_, cell)| *cell);
            let cell = match known {
                Some(cell) => cell,
                None if name.strip_prefix("contact.").is_some_and(|key| !key.is_empty()) => {
                    Cell::Text
                }
                None => {
                    let shown: String =
                        name.chars().take(32).flat_map(char::escape_debug).collect();
                    errors.push(shown, "is no column of a vendor file", "remove or rename it");
                    continue;
                }
            };
            if columns.iter().any(|(column, _)| *column == name) {
                errors.push(&name, "stands twice in the header", "remove one of the two columns");
            }
            columns.push((name, cell));
        }
        errors.into_result(Self(columns))
    }

    /// The JSON object that a row stands for.
    ///
    /// # Errors
    /// Cells that cannot be read, by their columns.
    pub(crate) fn object<'a>(
        &self,
        cells: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> Result<Map<String, Value>, FieldErrors> {
        let mut errors = FieldErrors::default();
        if cells.len() != self.0.len() {
            let message = format!("has {} cells, the header {}", cells.len(), self.0.len());
            errors.push(".", message, "write one cell per column; quote cells that hold a comma");
            return Err(errors);
        }
        let mut object = Map::new();
        for ((name, cell), bytes) in self.0.iter().zip(cells) {
            let Ok(text) = std::str::from_utf8(bytes) else {
                errors.push(name, "is no UTF-8", "save the file as UTF-8");
                continue;
            };
            if text.trim().is_empty() {
                continue;
            }
            match value(*cell, text.trim()) {
                Ok(value) => insert(&mut object, name, value),
                Err((message, hint)) => errors.push(name, message, hint),
            }
        }
        errors.into_result(object)
    }
}

/// Puts a value where its dotted name leads.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => drop(object.insert(name.to_owned(), value)),
        Some((parent, child)) => {
            let inner = object.entry(parent).or_insert_with(|| json!({}));
            if let Some(inner) = inner.as_object_mut() {
                inner.insert(child.to_owned(), value);
            }
        }
    }
}

/// Reads a cell; an error is the message and the remedy.
fn value(cell: Cell, text: &str) -> Result<Value, (String, &'static str)> {
    match cell {
        Cell::Text => Ok(text.into()),
        Cell::Number => number(text),
        Cell::Rule => Ok(match text {
            "true" => true.into(),
            "false" => false.into(),
            other => other.into(),
        }),
        Cell::List => Ok(split(text, ';').iter().map(|item| unescape(item)).collect()),
        Cell::Pricing => split(text, ';').into_iter().map(price).collect(),
        Cell::Contact => {
            let mut contact = Map::new();
            for item in split(text, ';') {
                let [key, value] = &split(item, '|')[..] else {
                    return Err((format!("`{item}` is no contact"), "write key|value;key|value"));
                };
                contact.insert(unescape(key), unescape(value).into());
            }
            Ok(Value::Object(contact))
        }
    }
}

fn number(text: &str) -> Result<Value, (String, &'static str)> {
    if let Ok(whole) = text.parse::<i64>() {
        return Ok(whole.into());
    }
    let fraction = text.parse::<f64>().ok().and_then(serde_json::Number::from_f64);
    let shown: String = text.chars().take(32).flat_map(char::escape_debug).collect();
    fraction
        .map(Value::Number)
        .ok_or_else(|| (format!("`{shown}` is no finite number"), "write one such as 12 or 4.5"))
}

fn price(item: &str) -> Result<Value, (String, &'static str)> {
    let parts: Vec<String> = split(item, '|').iter().map(|part| unescape(part)).collect();
    if !(PRICE_PARTS.len() - 1..=PRICE_PARTS.len()).contains(&parts.len()) {
        let shown: String = item.chars().take(64).flat_map(char::escape_debug).collect();
        let hint = "write label|basis|amount|currency, with |veg or |non_veg where it applies";
        return Err((format!("`{shown}` is no price"), hint));
    }
    let named = PRICE_PARTS.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), part.into()));
    Ok(Value::Object(named.collect()))
}

/// Cuts at each `separator` that has no backslash before it; parts stay escaped.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        if c == separator && !escaped {
            parts.push(&text[start..at]);
            start = at + c.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    if start < text.len() || parts.is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        plain.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    plain
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ';' | '|' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The header line that [`record`] fills.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|(name, _)| *name)
}

/// A vendor's cells, in the order of [`names`].
///
/// # Errors
/// None for any vendor; the encoder's type says otherwise.
pub(crate) fn record(vendor: &Vendor) -> serde_json::Result<Vec<String>> {
    let document = serde_json::to_value(vendor)?;
    let shown = |name: &str| name.split('.').try_fold(&document, |inner, key| inner.get(key));
    Ok(names().map(|name| shown(name).map(cell).unwrap_or_default()).collect())
}

/// What [`value`] reads as the same value.
fn cell(value: &Value) -> String {
    match value {
        Value::Array(items) => joined(items.iter().map(item), ";"),
        Value::Object(entries) => {
            let written = entries.iter().map(|(key, of)| format!("{}|{}", escape(key), item(of)));
            joined(written, ";")
        }
        single => plain(single),
    }
}

/// An item of a list: a price, or a single word.
fn item(value: &Value) -> String {
    match value {
        Value::Object(price) => {
            joined(PRICE_PARTS.iter().filter_map(|part| price.get(*part)).map(item), "|")
        }
        single => escape(&plain(single)),
    }
}

fn joined(items: impl Iterator<Item = String>, separator: &str) -> String {
    items.collect::<Vec<_>>().join(separator)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Without a fraction where there is none.
        Value::Number(number) => number.as_f64().map(|n| n.to_string()).unwrap_or_default(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_at_unescaped_signs() {
        for (text, parts) in [
            ("", vec![""]),
            ("a", vec!["a"]),
            ("a;b;", vec!["a", "b"]),
            (r"a\;b;c\\;d", vec![r"a\;b", r"c\\", "d"]),
            (";a", vec!["", "a"]),
        ] {
            assert_eq!(split(text, ';'), parts, "{text}");
        }
        let odd = r"a;b|c\d";
        assert_eq!(unescape(&escape(odd)), odd);
    }
}
