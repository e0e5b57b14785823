//! One setting's value: its kind, its range, how it is read and how it is written.

use std::{path::PathBuf, time::Duration};

use config::ValueKind;

use crate::sources::{
    database_url::is_database_url,
    raw_value::{
        LIST_MAX, TEXT_MAX_BYTES, raw_text, read_ids, read_integer, read_number, read_span,
        read_switch, read_text,
    },
};
use llm::settings::{OllamaApi, ServerKind};
use telemetry::settings::LogFormat;

/// A value in a form that every setting shares.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Switch(bool),
    Integer(u64),
    Number(f64),
    /// A threshold that is switched off.
    Off,
    Span(Duration),
    Text(String),
    Integers(Vec<u64>),
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Switch,
    Integer {
        min: u64,
        max: u64,
    },
    /// Permission bits, written in octal: `"0660"`.
    Mode,
    Number {
        min: f64,
        max: f64,
    },
    /// A number or `"off"`.
    Threshold {
        min: f64,
        max: f64,
    },
    /// `"30s"`, `"5m"`, `"1h 30m"`, `"14d"`, or a number of seconds.
    Span {
        min: Duration,
        max: Duration,
    },
    Choice(&'static [&'static str]),
    Text,
    /// A connection URL; its password is never shown.
    SecretUrl,
    /// Empty for none.
    Path,
    UserIds,
}

impl Kind {
    /// The values that are taken, in words: `1 to 100`, `true or false`.
    pub fn range(&self) -> String {
        match self {
            Self::Switch => "true or false".into(),
            Self::Integer { min, max } => format!("{min} to {max}"),
            Self::Mode => "\"0600\" to \"0777\", octal".into(),
            Self::Number { min, max } => format!("{min} to {max}"),
            Self::Threshold { min, max } => format!("{min} to {max}, or \"off\""),
            Self::Span { min, max } => {
                format!("{} to {}", span_text(*min), span_text(*max))
            }
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Text => format!("text of at most {TEXT_MAX_BYTES} bytes"),
            Self::SecretUrl => "a postgresql:// URL, or empty".into(),
            Self::Path => "a path, or empty".into(),
            Self::UserIds => format!("a list of at most {LIST_MAX} user ids"),
        }
    }

    /// Reads a value as a file or an environment variable gives it, and checks its range.
    ///
    /// # Errors
    /// What is wrong with it, without the key. Shows the value, except that of a secret.
    pub fn read(&self, raw: &ValueKind) -> Result<Value, String> {
        match self {
            Self::SecretUrl => {
                read_text(raw).filter(|url| is_database_url(url)).map(Value::Text).ok_or_else(
                    || format!("the value (not shown) is not allowed; expected {}", self.range()),
                )
            }
            _ => self.parse(raw).ok_or_else(|| {
                format!("{} is not allowed; expected {}", raw_text(raw), self.range())
            }),
        }
    }

    fn parse(&self, raw: &ValueKind) -> Option<Value> {
        match *self {
            Self::Switch => read_switch(raw).map(Value::Switch),
            Self::Integer { min, max } => {
                read_integer(raw).filter(|n| (min..=max).contains(n)).map(Value::Integer)
            }
            Self::Mode => {
                let text = read_text(raw)?;
                let bits = u64::from_str_radix(text.trim_start_matches("0o"), 8).ok()?;
                (0o600..=0o777).contains(&bits).then_some(Value::Integer(bits))
            }
            Self::Number { min, max } => {
                read_number(raw).filter(|n| (min..=max).contains(n)).map(Value::Number)
            }
            Self::Threshold { min, max } => match raw {
                ValueKind::String(text) if text.eq_ignore_ascii_case("off") => Some(Value::Off),
                _ => read_number(raw).filter(|n| (min..=max).contains(n)).map(Value::Number),
            },
            Self::Span { min, max } => {
                read_span(raw).filter(|span| (min..=max).contains(span)).map(Value::Span)
            }
            Self::Choice(names) => {
                let text = read_text(raw)?;
                let found = names.iter().find(|name| name.eq_ignore_ascii_case(text.trim()));
                found.map(|name| Value::Text((*name).into()))
            }
            Self::Text | Self::Path | Self::SecretUrl => read_text(raw).map(Value::Text),
            Self::UserIds => read_ids(raw).map(Value::Integers),
        }
    }
}

impl Value {
    /// As TOML. A kind that is written in its own notation says how.
    pub fn to_toml(&self, kind: &Kind) -> String {
        match self {
            Self::Switch(on) => on.to_string(),
            Self::Integer(bits) if *kind == Kind::Mode => format!("\"{bits:04o}\""),
            Self::Integer(number) => number.to_string(),
            // `{:?}` keeps the point, so that TOML reads a float again.
            Self::Number(number) => format!("{number:?}"),
            Self::Off => "\"off\"".into(),
            Self::Span(span) => format!("\"{}\"", span_text(*span)),
            Self::Text(text) => quoted(text),
            Self::Integers(numbers) => format!("{numbers:?}"),
        }
    }
}

/// A settings field that can be read and written as a [`Value`].
pub(crate) trait Field {
    fn get(&self) -> Value;
    /// False where the value is of another kind: a mistake in the table of keys.
    fn set(&mut self, value: Value) -> bool;
}

macro_rules! field {
    ($type:ty, $read:expr, $pattern:pat => $write:expr) => {
        impl Field for $type {
            fn get(&self) -> Value {
                let read: fn(&$type) -> Value = $read;
                read(self)
            }

            fn set(&mut self, value: Value) -> bool {
                if let $pattern = value
                    && let Some(value) = $write
                {
                    *self = value;
                    return true;
                }
                false
            }
        }
    };
}

field!(bool, |on| Value::Switch(*on), Value::Switch(on) => Some(on));
field!(u64, |n| Value::Integer(*n), Value::Integer(n) => Some(n));
field!(u32, |n| Value::Integer(u64::from(*n)), Value::Integer(n) => u32::try_from(n).ok());
field!(usize, |n| Value::Integer(*n as u64), Value::Integer(n) => usize::try_from(n).ok());
field!(f64, |n| Value::Number(*n), Value::Number(n) => Some(n));
field!(Duration, |span| Value::Span(*span), Value::Span(span) => Some(span));
field!(String, |text| Value::Text(text.clone()), Value::Text(text) => Some(text));
field!(
    PathBuf,
    |path| Value::Text(path.display().to_string()),
    Value::Text(text) => Some(PathBuf::from(text))
);
field!(
    Option<PathBuf>,
    |path| Value::Text(path.as_ref().map(|p| p.display().to_string()).unwrap_or_default()),
    Value::Text(text) => Some((!text.is_empty()).then(|| PathBuf::from(text)))
);
field!(
    Vec<u32>,
    |ids| Value::Integers(ids.iter().copied().map(u64::from).collect()),
    Value::Integers(ids) => ids.into_iter().map(u32::try_from).collect::<Result<_, _>>().ok()
);
field!(
    slog::Level,
    |level| Value::Text(level.as_str().to_ascii_lowercase()),
    Value::Text(name) => name.parse().ok()
);
field!(
    LogFormat,
    |format| Value::Text(format.as_str().into()),
    Value::Text(name) => [Self::Json, Self::Terminal, Self::Auto]
        .into_iter()
        .find(|format| format.as_str() == name)
);
field!(
    ServerKind,
    |kind| Value::Text(kind.as_str().into()),
    Value::Text(name) => [Self::Rules, Self::Ollama, Self::OpenAi]
        .into_iter()
        .find(|kind| kind.as_str() == name)
);
field!(
    OllamaApi,
    |api| Value::Text(api.as_str().into()),
    Value::Text(name) => [Self::Chat, Self::Generate].into_iter().find(|api| api.as_str() == name)
);

impl Field for Option<f64> {
    fn get(&self) -> Value {
        self.map_or(Value::Off, Value::Number)
    }

    fn set(&mut self, value: Value) -> bool {
        *self = match value {
            Value::Number(number) => Some(number),
            Value::Off => None,
            _ => return false,
        };
        true
    }
}

/// A span in the largest unit that writes it exactly: `30s`, `20m`, `14d`.
pub(crate) fn span_text(span: Duration) -> String {
    let ms = span.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| ms > 0 && ms.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", ms / unit),
        None if ms == 0 => "0s".into(),
        None => format!("{ms}ms"),
    }
}

fn quoted(text: &str) -> String {
    // JSON's escapes are TOML's too, except that TOML also wants DEL escaped.
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> ValueKind {
        ValueKind::String(value.into())
    }

    #[test]
    fn spans_have_units_or_count_seconds() {
        let kind = Kind::Span { min: Duration::from_millis(1), max: Duration::from_secs(1 << 30) };
        for (raw, ms) in [
            (text("30s"), 30_000),
            (text("5m"), 300_000),
            (text("1h 30m"), 5_400_000),
            (text("14d"), 14 * 86_400_000),
            (text("250ms"), 250),
            (text("180"), 180_000),
            (ValueKind::I64(7), 7_000),
            (ValueKind::Float(0.5), 500),
        ] {
            assert_eq!(kind.read(&raw), Ok(Value::Span(Duration::from_millis(ms))), "{raw:?}");
        }
        for raw in
            [text("soon"), text("-5s"), text("1 month"), text(""), ValueKind::Float(f64::NAN)]
        {
            assert!(kind.read(&raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for written in ["0s", "1500ms", "30s", "90s", "20m", "1h", "36h", "14d"] {
            let kind = Kind::Span { min: Duration::ZERO, max: Duration::from_secs(1 << 30) };
            let Ok(Value::Span(span)) = kind.read(&text(written)) else { panic!("{written}") };
            assert_eq!(span_text(span), written);
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused_with_the_range() {
        let kind = Kind::Integer { min: 1, max: 100 };
        for raw in [
            ValueKind::I64(0),
            ValueKind::I64(-1),
            text("101"),
            text("twenty"),
            ValueKind::Float(1.5),
            ValueKind::Boolean(true),
        ] {
            let error = kind.read(&raw).unwrap_err();
            assert!(error.ends_with("is not allowed; expected 1 to 100"), "{error}");
        }
        let share = Kind::Number { min: 0.0, max: 1.0 };
        for raw in [text("nan"), text("inf"), ValueKind::Float(-0.1)] {
            assert!(share.read(&raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn the_other_kinds_take_their_notation() {
        assert_eq!(Kind::Mode.read(&text("0660")), Ok(Value::Integer(0o660)));
        assert!(Kind::Mode.read(&ValueKind::I64(660)).is_err());
        assert!(Kind::Mode.read(&text("0888")).is_err());
        assert_eq!(Kind::UserIds.read(&text("1000, 1001")), Ok(Value::Integers(vec![1000, 1001])));
        assert!(Kind::UserIds.read(&text("root")).is_err());
        let choice = Kind::Choice(&["json", "auto"]);
        assert_eq!(choice.read(&text("JSON")), Ok(Value::Text("json".into())));
        let threshold = Kind::Threshold { min: 0.0, max: 100.0 };
        assert_eq!(threshold.read(&text("off")), Ok(Value::Off));
        assert_eq!(threshold.read(&text("70")), Ok(Value::Number(70.0)));
        for on in ["true", "YES", "on", "1"] {
            assert_eq!(Kind::Switch.read(&text(on)), Ok(Value::Switch(true)));
        }
    }

    #[test]
    fn a_refused_url_does_not_show_its_password() {
        let error = Kind::SecretUrl.read(&text("mysql://u:s3cret@h/db")).unwrap_err();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
