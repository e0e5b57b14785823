//! Reading requests: defaults, refusals, functions, changes.

use jiff::civil;
use serde_json::{Value, json};

use crate::{RequestChange, request::input::*};

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
fn times_and_dates_hold_nothing_that_would_be_dropped() {
    for (pointer, value, field) in [
        ("/start", "16:00+02:00", "start"),
        ("/start", "16:00Z", "start"),
        ("/start", "2027-06-20T16:00", "start"),
        ("/date", "2027-06-20T10:00Z", "date"),
        ("/date", "2027-06-20T10:00+05:30", "date"),
        ("/date", "2027-06-20 10:00", "date"),
        ("/anchors/0/at", "17:00+05:30", "anchors[0].at"),
        ("/functions/0/start", "18:00Z", "functions[0].start"),
        ("/functions/0/date", "2027-06-20T10:00Z", "functions[0].date"),
        ("/functions/0/anchors/0/at", "18:30Z", "functions[0].anchors[0].at"),
    ] {
        let mut document = wedding();
        let anchors = json!([{"activity": "ceremony", "at": "17:00"}]);
        if pointer.starts_with("/functions") {
            document["functions"] = json!([{
                "name": "Dinner", "date": "+180d", "start": "16:00", "anchors": anchors
            }]);
        } else {
            document["anchors"] = anchors;
        }
        *document.pointer_mut(pointer).unwrap() = json!(value);
        let errors = parse(&document).unwrap_err();
        let fields: Vec<&str> = errors.0.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, [field], "{pointer} {value}");
    }
}

#[test]
fn times_that_a_clock_change_leaves_out_are_refused() {
    let in_zone = |zone: &str, date: &str, start: &str| {
        let mut document = wedding();
        document["time_zone"] = json!(zone);
        document["date"] = json!(date);
        document["start"] = json!(start);
        document
    };
    for (zone, date, start, anchor, expected) in [
        ("Europe/Berlin", "2027-03-28", "02:30", None, &["start"][..]),
        ("Europe/Berlin", "2027-03-28", "03:00", None, &[]),
        ("Europe/Berlin", "2027-03-27", "20:00", Some("02:15"), &["anchors[0].at"]),
        ("Europe/Berlin", "2027-03-27", "20:00", Some("01:15"), &[]),
        ("Europe/Berlin", "2027-10-31", "02:30", None, &[]),
        ("Australia/Lord_Howe", "2027-10-03", "02:10", None, &["start"]),
        ("Africa/Cairo", "2027-04-30", "00:30", None, &["start"]),
    ] {
        let mut document = in_zone(zone, date, start);
        if let Some(at) = anchor {
            document["anchors"] = json!([{"activity": "cake", "at": at}]);
        }
        let fields: Vec<String> = parse(&document)
            .err()
            .map(|errors| errors.0.iter().map(|error| error.field.clone()).collect())
            .unwrap_or_default();
        assert_eq!(fields, expected, "{zone} {date} {start} {anchor:?}");
        // The same as a function.
        let mut document = in_zone(zone, date, "12:00");
        document["functions"] = json!([{"name": "Night", "start": start}]);
        if let Some(at) = anchor {
            document["functions"][0]["anchors"] = json!([{"activity": "cake", "at": at}]);
        }
        let fields: Vec<String> = parse(&document)
            .err()
            .map(|errors| errors.0.iter().map(|error| error.field.clone()).collect())
            .unwrap_or_default();
        let expected: Vec<String> = expected.iter().map(|f| format!("functions[0].{f}")).collect();
        assert_eq!(fields, expected, "{zone} {date} {start} {anchor:?}");
    }
    // Moved into the gap.
    let request = parse(&in_zone("Europe/Berlin", "2027-03-27", "02:30")).unwrap();
    for (date, is_refused) in [("2027-03-28", true), ("2027-03-29", false)] {
        let change = RequestChange { date: Some(date), ..RequestChange::default() };
        let refused = request.changed(&change, now()).err();
        assert_eq!(refused.is_some(), is_refused, "{date}");
        assert!(refused.is_none_or(|e| e.0.iter().all(|e| e.field == "date")));
    }
    let change = RequestChange { date: Some("2027-03-29T10:00Z"), ..RequestChange::default() };
    assert!(request.changed(&change, now()).is_err());
}

#[test]
fn functions_list_all_parts_of_the_event() {
    let with = |functions: Value| {
        let mut document = wedding();
        document["date"] = json!("2027-06-20");
        document["functions"] = functions;
        document
    };
    let brunch = json!({"name": "Brunch", "date": "2027-06-21", "start": "11:00", "hours": 3});
    let errors = parse(&with(json!([brunch]))).unwrap_err();
    let error = errors.0.first().unwrap();
    assert_eq!(error.field, "functions");
    assert!(error.message.contains("2027-06-20"), "{error:?}");
    assert!(error.hint.contains("set date to 2027-06-21"), "{error:?}");
    for functions in [
        json!([{"name": "Party"}, brunch]),
        json!([{"name": "Party", "date": "2027-06-20"}]),
        json!([{"name": "Eve", "date": "2027-06-19"}, {"name": "Party"}]),
    ] {
        assert!(parse(&with(functions.clone())).is_ok(), "{functions}");
    }
    let around = json!([{"name": "Eve", "date": "2027-06-19"}, brunch]);
    assert!(parse(&with(around)).is_err());
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

/// Found by the fuzzer: the path was empty.
#[test]
fn an_empty_key_has_a_path_that_can_be_read() {
    let mut document = wedding();
    document[""] = json!(1);
    assert_eq!(parse(&document).unwrap_err().0[0].field, r#""""#);
    let mut document = wedding();
    document["client"][""] = json!(1);
    assert_eq!(parse(&document).unwrap_err().0[0].field, r#"client."""#);
}

fn with_functions(functions: Value) -> Value {
    let mut document = wedding();
    document["functions"] = functions;
    document
}

#[test]
fn functions_have_what_they_leave_out_from_the_event() {
    let request = parse(&with_functions(json!([
        {"name": "Wedding", "anchors": [{"activity": "ceremony", "at": "17:00"}]},
        {"name": "Mehndi", "date": "+179d", "start": "18:30", "hours": 4, "guests": 60,
         "event_type": "other", "services": ["venue", "caterer"]},
        {"name": "Brunch", "date": "+181d", "start": "11:00", "hours": 3, "guests": 250,
         "services": ["caterer", "venue"]}
    ])))
    .unwrap();
    let names: Vec<&str> = request.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["Mehndi", "Wedding", "Brunch"], "by start");
    assert_eq!(request.time.date, civil::date(2027, 5, 20));
    assert_eq!(request.time.start, civil::time(18, 30, 0, 0));
    // From the 20th, 18:30, to the 22nd, 14:00.
    assert_eq!(request.time.minutes, 43 * 60 + 30);
    assert_eq!(request.guests, 250);
    assert_eq!(request.functions[1].services.len(), 4);
    assert_eq!(request.functions[1].time.minutes, 480);
    let serving = |category: &str| -> Vec<String> {
        let category = category.into();
        let names = request.parts_of(&category).filter_map(|part| part.name.map(str::to_owned));
        names.collect()
    };
    assert_eq!(serving("photographer"), ["Wedding"]);
    assert_eq!(serving("caterer"), ["Mehndi", "Wedding", "Brunch"]);
    let stored = serde_json::to_string(&request).unwrap();
    assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), request);
}

#[test]
fn refused_functions_are_named_by_their_path() {
    let one = json!({"name": "Main"});
    let cases = [
        (json!([{"name": " "}]), "functions[0].name"),
        (json!([one, {"name": "main"}]), "functions[1].name"),
        (json!([{"name": "Main", "guests": 0}]), "functions[0].guests"),
        (json!([{"name": "Main", "date": "2020-01-01"}]), "functions[0].date"),
        (json!([{"name": "Main", "start": "25:00"}]), "functions[0].start"),
        (json!([{"name": "Main", "hours": 0}]), "functions[0].hours"),
        (json!([one, {"name": "B", "services": ["florist"]}]), "functions[1].services[0]"),
        (json!([{"name": "Main", "services": ["venue"]}]), "services.caterer"),
        (json!([one, {"name": "B", "date": "+300d"}]), "functions"),
        (json!([{"name": "Main", "colour": 1}]), "functions[0].colour"),
        (
            json!([{"name": "A", "anchors": [{"activity": "x", "at": "9"}]}]),
            "functions[0].anchors[0].at",
        ),
        (
            json!([{"name": "A", "anchors": [{"activity": "x", "at": "09:00",
            "location": {"lat": 91, "lon": 0}}]}]),
            "functions[0].anchors[0].location",
        ),
    ];
    for (functions, field) in cases {
        let errors = parse(&with_functions(functions)).unwrap_err();
        assert_eq!(errors.0[0].field, field, "{errors}");
    }
    let mut document = with_functions(json!([one]));
    document["anchors"] = json!([{"activity": "x", "at": "18:00"}]);
    assert_eq!(parse(&document).unwrap_err().0[0].field, "anchors");
}

#[test]
fn a_change_leaves_the_rest_as_it_was() {
    let mut document = with_functions(json!([
        {"name": "Eve", "date": "+179d", "guests": 50}, {"name": "Day"}
    ]));
    document["must_include"] = json!(["v1", "v2"]);
    let request = parse(&document).unwrap();
    let change = RequestChange {
        without: vec!["v1".into(), "v3".into()],
        guests: Some(120),
        budget: Some("900000"),
        date: Some("2027-06-01"),
        ..RequestChange::default()
    };
    let changed = request.changed(&change, now()).unwrap();
    assert_eq!(changed.must_include, ["v2".into()]);
    assert_eq!(changed.exclude, ["v1".into(), "v3".into()]);
    let guests: Vec<u32> = changed.functions.iter().map(|f| f.guests).collect();
    assert_eq!((changed.guests, guests), (120, vec![30, 120]));
    assert_eq!(changed.functions[1].time.date, civil::date(2027, 6, 2), "a day after the eve");
    assert_eq!(changed.budget.amount.minor, 90_000_000);
    assert_eq!(changed.time.minutes, request.time.minutes);
    for (change, field) in [
        (RequestChange { guests: Some(0), ..RequestChange::default() }, "guests"),
        (
            RequestChange {
                function_guests: [("Day", 9), ("Night", 5)].into(),
                ..RequestChange::default()
            },
            "function_guests.Night",
        ),
        (RequestChange { budget: Some("-1"), ..RequestChange::default() }, "budget"),
        (RequestChange { date: Some("soon"), ..RequestChange::default() }, "date"),
        (RequestChange { date: Some("2020-01-01"), ..RequestChange::default() }, "date"),
    ] {
        assert_eq!(request.changed(&change, now()).unwrap_err().0[0].field, field);
    }
}
