//! Values as a file or the environment writes them. `None` where one can't be read as wanted.

use std::time::Duration;

use config::ValueKind;
use wire::read_duration;

/// Longest text of a setting in bytes.
pub(crate) const TEXT_MAX_BYTES: usize = 4_096;
/// Longest list of a setting.
pub(crate) const LIST_MAX: usize = 64;

pub(crate) fn raw_text(raw: &ValueKind) -> String {
    match raw {
        ValueKind::String(text) => {
            let short: String = text.chars().take(64).collect();
            format!("`{}`", short.escape_debug())
        }
        ValueKind::Table(_) => "a section".into(),
        ValueKind::Array(_) => "the list".into(),
        ValueKind::Nil => "nothing".into(),
        other => format!("`{other}`"),
    }
}

pub(crate) fn read_text(raw: &ValueKind) -> Option<String> {
    match raw {
        ValueKind::String(text) if text.len() <= TEXT_MAX_BYTES && !text.contains('\0') => {
            Some(text.clone())
        }
        _ => None,
    }
}

pub(crate) fn read_switch(raw: &ValueKind) -> Option<bool> {
    match raw {
        ValueKind::Boolean(on) => Some(*on),
        ValueKind::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

pub(crate) fn read_integer(raw: &ValueKind) -> Option<u64> {
    match raw {
        ValueKind::I64(number) => u64::try_from(*number).ok(),
        ValueKind::U64(number) => Some(*number),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(crate) fn read_number(raw: &ValueKind) -> Option<f64> {
    match raw {
        ValueKind::I64(number) => Some(*number as f64),
        ValueKind::U64(number) => Some(*number as f64),
        ValueKind::Float(number) => Some(*number),
        ValueKind::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(crate) fn read_span(raw: &ValueKind) -> Option<Duration> {
    match raw {
        ValueKind::String(_) => read_duration(&read_text(raw)?),
        _ => Duration::try_from_secs_f64(read_number(raw)?).ok(),
    }
}

pub(crate) fn read_ids(raw: &ValueKind) -> Option<Vec<u64>> {
    let ids: Vec<u64> = match raw {
        ValueKind::Array(values) => {
            values.iter().map(|value| read_integer(&value.kind)).collect::<Option<_>>()?
        }
        ValueKind::String(text) => text
            .split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()?,
        _ => return None,
    };
    (ids.len() <= LIST_MAX && ids.iter().all(|id| *id < u64::from(u32::MAX))).then_some(ids)
}
