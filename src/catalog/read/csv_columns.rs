//! The columns of a vendor CSV: one table for reading and writing.
//!
//! Lists are separated by `;`, the parts of a list's item by `|`; a backslash before `;`, `|` or
//! `\` takes the sign itself. An empty cell is an absent field. `pricing` holds
//! `label|basis|amount|currency` or `label|basis|amount|currency|option`; `contact` holds
//! `key|value`, and any `contact.KEY` may be a column of its own.

use serde_json::{Map, Value, json};

use model::{FieldErrors, HouseRule, Vendor};

/// How a cell is written.
#[derive(Clone, Copy, PartialEq)]
enum Cell {
    Text,
    Number,
    /// `true`, `false` or a short text.
    Rule,
    List,
    Pricing,
    Contact,
}

/// Every column; a dot leads into an object.
const COLUMNS: [(&str, Cell); 35] = [
    ("external_id", Cell::Text),
    ("category", Cell::Text),
    ("name", Cell::Text),
    ("city", Cell::Text),
    ("area", Cell::Text),
    ("location.lat", Cell::Number),
    ("location.lon", Cell::Number),
    ("pricing", Cell::Pricing),
    ("capacity.min", Cell::Number),
    ("capacity.ideal", Cell::Number),
    ("capacity.max", Cell::Number),
    ("policies.catering", Cell::Text),
    ("policies.alcohol", Cell::Rule),
    ("policies.decor", Cell::Rule),
    ("policies.music_until", Cell::Text),
    ("policies.open_from", Cell::Text),
    ("policies.open_until", Cell::Text),
    ("tags", Cell::List),
    ("amenities", Cell::List),
    ("rating", Cell::Number),
    ("description", Cell::Text),
    ("contact", Cell::Contact),
    ("setup_minutes", Cell::Number),
    ("teardown_minutes", Cell::Number),
    ("styles", Cell::List),
    ("max_hours", Cell::Number),
    ("lead_days", Cell::Number),
    ("closed_weekdays", Cell::List),
    ("blackout_dates", Cell::List),
    ("tax_percent", Cell::Number),
    ("service_charge_percent", Cell::Number),
    ("source.name", Cell::Text),
    ("source.as_of", Cell::Text),
    ("service_radius_km", Cell::Number),
    ("parallel_events", Cell::Number),
];

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
    match &parts[..] {
        [label, basis, amount, currency] => Ok(json!({
            "label": label, "basis": basis, "amount": amount, "currency": currency
        })),
        [label, basis, amount, currency, option] => Ok(json!({
            "label": label, "basis": basis, "amount": amount, "currency": currency,
            "option": option
        })),
        _ => {
            let shown: String = item.chars().take(64).flat_map(char::escape_debug).collect();
            let hint = "write label|basis|amount|currency, with |veg or |non_veg where it applies";
            Err((format!("`{shown}` is no price"), hint))
        }
    }
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
pub(crate) fn record(vendor: &Vendor) -> Vec<String> {
    names().map(|name| cell(vendor, name)).collect()
}

fn cell(vendor: &Vendor, column: &str) -> String {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    fn list<T: ToString>(items: &[T]) -> String {
        items.iter().map(|item| escape(&item.to_string())).collect::<Vec<_>>().join(";")
    }
    let rule = |rule: Option<&HouseRule>| match rule {
        None => String::new(),
        Some(HouseRule::Allowed(allowed)) => allowed.to_string(),
        Some(HouseRule::Text(text)) => text.clone(),
    };
    let (capacity, policies) = (vendor.capacity.as_ref(), vendor.policies.as_ref());
    match column {
        "external_id" => vendor.id.to_string(),
        "category" => vendor.category.to_string(),
        "name" => vendor.name.clone(),
        "city" => vendor.city.clone(),
        "area" => shown(vendor.area.as_ref()),
        "location.lat" => shown(vendor.location.map(|point| point.lat)),
        "location.lon" => shown(vendor.location.map(|point| point.lon)),
        "pricing" => pricing(vendor),
        "capacity.min" => shown(capacity.and_then(|c| c.min)),
        "capacity.ideal" => shown(capacity.and_then(|c| c.ideal)),
        "capacity.max" => shown(capacity.and_then(|c| c.max)),
        "policies.catering" => shown(policies.and_then(|p| p.catering).map(snake)),
        "policies.alcohol" => rule(policies.and_then(|p| p.alcohol.as_ref())),
        "policies.decor" => rule(policies.and_then(|p| p.decor.as_ref())),
        "policies.music_until" => shown(policies.and_then(|p| p.music_until)),
        "policies.open_from" => shown(policies.and_then(|p| p.open_from)),
        "policies.open_until" => shown(policies.and_then(|p| p.open_until)),
        "tags" => list(&vendor.tags),
        "amenities" => list(&vendor.amenities),
        "rating" => shown(vendor.rating),
        "description" => shown(vendor.description.as_ref()),
        "contact" => {
            let items = vendor.contact.iter().map(|(k, v)| format!("{}|{}", escape(k), escape(v)));
            items.collect::<Vec<_>>().join(";")
        }
        "setup_minutes" => vendor.setup_minutes.to_string(),
        "teardown_minutes" => vendor.teardown_minutes.to_string(),
        "styles" => list(&vendor.styles),
        "max_hours" => shown(vendor.max_hours),
        "lead_days" => vendor.lead_days.to_string(),
        "closed_weekdays" => list(&vendor.closed_weekdays),
        "blackout_dates" => list(&vendor.blackout_dates),
        "tax_percent" => percent(vendor.tax.basis_points),
        "service_charge_percent" => percent(vendor.service_charge.basis_points),
        "source.name" => shown(vendor.source.as_ref().map(|source| &source.name)),
        "source.as_of" => shown(vendor.source.as_ref().map(|source| source.as_of)),
        "service_radius_km" => shown(vendor.service_radius_km),
        "parallel_events" => vendor.parallel_events.to_string(),
        _ => String::new(),
    }
}

fn pricing(vendor: &Vendor) -> String {
    let lines = vendor.pricing.iter().map(|line| {
        let option = line.option.map(|option| format!("|{}", snake(option))).unwrap_or_default();
        let label = escape(&line.label);
        format!("{label}|{}|{}|{}{option}", snake(line.basis), line.amount, line.currency)
    });
    lines.collect::<Vec<_>>().join(";")
}

/// The name under which serde writes a variant.
fn snake(variant: impl serde::Serialize) -> String {
    match serde_json::to_value(variant) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

fn percent(basis_points: u32) -> String {
    (f64::from(basis_points) / 100.0).to_string()
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
