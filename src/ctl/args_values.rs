//! Values of `eventplannerctl`'s arguments, read and checked.

use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::{
    control::{CacheName, parse_duration},
    model::{CateringPolicy, EventType},
};

/// As [`parse_duration`], within what the daemon waits out.
pub(super) fn parse_interval(text: &str) -> Result<Duration, String> {
    let span = parse_duration(text)?;
    let hour = Duration::from_secs(3_600);
    if span < Duration::from_secs(1) || span > hour {
        return Err("write 1s to 1h".to_owned());
    }
    Ok(span)
}

pub(super) fn cache_name() -> impl TypedValueParser<Value = CacheName> {
    PossibleValuesParser::new(CacheName::ALL.map(CacheName::as_str)).map(|text| {
        let found = CacheName::ALL.into_iter().find(|name| name.as_str() == text);
        found.unwrap_or(CacheName::All)
    })
}

pub(super) fn event_type() -> impl TypedValueParser<Value = EventType> {
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

pub(super) fn catering() -> impl TypedValueParser<Value = CateringPolicy> {
    PossibleValuesParser::new(["in_house", "outside", "both"]).map(|name| match name.as_str() {
        "in_house" => CateringPolicy::InHouse,
        "outside" => CateringPolicy::Outside,
        _ => CateringPolicy::Both,
    })
}
