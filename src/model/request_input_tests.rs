//! Reading requests: defaults, refusals, functions, changes.

use jiff::civil;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn wedding() -> Value {
    json!({
        "client": {"name": "A. Client"}, "event_type": "wedding", "date": "+180d",
        "start": "16:00", "time_zone": "Asia/Kolkata", "hours": 8, "city": "Bengaluru",
        "guests": 200, "budget": {"amount": "800000.00", "currency": "INR"}
    })
}

fn parse(value: &Value) -> Result<Request, FieldErrors> {
    Request::parse(value.to_string().as_bytes(), now())
}

#[test]
fn a_minimal_request_gets_its_defaults() {
    let request = parse(&wedding()).unwrap();
    assert_eq!(request.time.date, civil::date(2027, 5, 21));
    assert_eq!(request.services.len(), 4);
    assert_eq!(request.spendable_minor(), 76_000_000);
    assert_eq!(request.veg_share(), 0.5);
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), request);
}

#[test]
fn every_refused_field_is_named_by_its_path() {
    let cases = [
        ("/budget/amount", json!("-5"), "budget.amount"),
        ("/budget/amount", json!(800000.5), "budget.amount"),
        ("/budget/currency", json!("RUPEE"), "budget.currency"),
        ("/guests", json!(0), "guests"),
        ("/guests", json!("many"), "guests"),
        ("/hours", json!(0), "hours"),
        ("/date", json!("2020-01-01"), "date"),
        ("/date", json!("soon"), "date"),
        ("/time_zone", json!("Mars/Base"), "time_zone"),
        ("/start", json!("25:00"), "start"),
        ("/client/name", json!(" "), "client.name"),
        ("/contingency_percent", json!(101), "contingency_percent"),
        ("/services", json!({"venue": {"weight": -1}}), "services.venue.weight"),
        ("/services", json!({"venue": {"wait": 1}}), "services.venue.wait"),
        ("/preferences", json!({"veg_share": 2}), "preferences.veg_share"),
        ("/anchors", json!([{"activity": "ceremony", "at": "x"}]), "anchors[0].at"),
        ("/exclude", json!([""]), "exclude[0]"),
        ("/colour", json!("red"), "colour"),
        ("/vision", json!("x".repeat(10_000_000)), "vision"),
    ];
    for (pointer, value, field) in cases {
        let mut document = wedding();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[key] = value;
        let errors = parse(&document).unwrap_err();
        assert_eq!(errors.0[0].field, field, "{errors}");
    }
}

#[test]
fn missing_fields_and_broken_json_are_named_too() {
    let mut document = wedding();
    document.as_object_mut().unwrap().remove("time_zone");
    assert_eq!(parse(&document).unwrap_err().0[0].field, "time_zone");
    let mut document = wedding();
    document["budget"].as_object_mut().unwrap().remove("currency");
    assert_eq!(parse(&document).unwrap_err().0[0].field, "budget.currency");
    assert!(Request::parse(b"{\"client\":", now()).is_err());
    assert!(Request::parse(b"", now()).is_err());
}
