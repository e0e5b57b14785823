//! Values of `eventplannerctl`'s arguments, read and checked.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use control::parse_duration;
use model::{CateringPolicy, EventType};
use wire::CacheName;

/// As [`parse_duration`], within what the daemon waits out.
pub(crate) fn parse_interval(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text)?;
    let hour = Duration::from_secs(3_600);
    if span < Duration::from_secs(1) || span > hour {
        return Err("write 1s to 1h".to_owned());
    }
    Ok(span)
}

/// A number of guests: of the whole event, or of one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Guests {
    pub function: Option<String>,
    pub number: i64,
}

/// `120`, or `Brunch=60`; a name may hold `=` itself.
pub(crate) fn parse_guests(text: &str) -> Result<Guests, String> {
    let (function, number) = match text.rsplit_once('=') {
        Some((name, _)) if name.trim().is_empty() => {
            return Err("write the function's name before `=`".to_owned());
        }
        Some((name, number)) => (Some(name.trim().to_owned()), number),
        None => (None, text),
    };
    let number = number.trim().parse();
    let number = number.map_err(|_| "write a number, or a function's NAME=N".to_owned())?;
    Ok(Guests { function, number })
}

pub(crate) fn cache_name() -> impl TypedValueParser<Value = CacheName> {
    PossibleValuesParser::new(CacheName::ALL.map(CacheName::as_str)).map(|text| {
        let found = CacheName::ALL.into_iter().find(|name| name.as_str() == text);
        found.unwrap_or(CacheName::All)
    })
}

pub(crate) fn event_type() -> impl TypedValueParser<Value = EventType> {
    let known = [
        EventType::Wedding,
        EventType::Birthday,
        EventType::Corporate,
        EventType::Gala,
        EventType::Other,
    ];
    PossibleValuesParser::new(known.map(EventType::as_str)).map(move |name| {
        let found = known.into_iter().find(|event_type| event_type.as_str() == name);
        found.unwrap_or(EventType::Other)
    })
}

pub(crate) fn catering() -> impl TypedValueParser<Value = CateringPolicy> {
    PossibleValuesParser::new(["in_house", "outside", "both"]).map(|name| match name.as_str() {
        "in_house" => CateringPolicy::InHouse,
        "outside" => CateringPolicy::Outside,
        _ => CateringPolicy::Both,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_of_the_event_or_of_a_function() {
        for (text, function, number) in [
            ("100", None, 100),
            ("-3", None, -3),
            ("Brunch=60", Some("Brunch"), 60),
            ("Day 1 = A=60", Some("Day 1 = A"), 60),
        ] {
            let function = function.map(str::to_owned);
            assert_eq!(parse_guests(text), Ok(Guests { function, number }), "{text}");
        }
        for bad in ["", "many", "=5", "Brunch=", "Brunch=x", "1.5"] {
            assert!(parse_guests(bad).is_err(), "{bad}");
        }
    }
}
