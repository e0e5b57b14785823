//! Files of each format, whole, broken and hostile.

use serde_json::{Value, json};

use crate::read::*;

fn venue() -> Value {
    json!({
        "external_id": "v-1", "category": "venue", "name": "Amber Hall", "city": "Kochi",
        "location": {"lat": 9.9, "lon": 76.2},
        "pricing": [
            {"label": "Hall", "basis": "flat", "amount": "90000.50", "currency": "INR"},
            {"label": "Plate", "basis": "per_guest", "amount": 900, "currency": "INR", "option": "veg"}
        ],
        "capacity": {"min": 50, "ideal": 150, "max": 200},
        "policies": {"catering": "in_house", "music_until": "22:30", "alcohol": false},
        "tags": ["Garden", "garden"], "styles": ["Royal"], "rating": 4.5,
        "closed_weekdays": ["Mon", 7], "blackout_dates": ["2027-01-05", "2027-01-01"],
        "contact": {"email": "a@example.com"}, "tax_percent": 12.5,
        "source": {"name": "test", "as_of": "2026-11-01"}
    })
}

fn rows(format: ImportFormat, text: &str) -> Vec<Row> {
    reader(format, text.as_bytes()).collect()
}

fn first_error(row: &Row) -> &FieldError {
    &row.result.as_ref().unwrap_err().0[0]
}

#[test]
fn a_vendor_is_read_with_its_words_folded() {
    let rows = rows(ImportFormat::Json, &format!("\u{feff}[{}]", venue()));
    let vendor = rows[0].result.as_ref().unwrap();
    assert_eq!((rows.len(), rows[0].number), (1, 1));
    assert_eq!(vendor.pricing[0].amount.minor, 9_000_050);
    assert_eq!(
        (&vendor.tags[..], &vendor.styles[..]),
        (&["garden".into()][..], &["royal".into()][..])
    );
    assert_eq!(vendor.closed_weekdays.iter().map(|d| d.iso()).collect::<Vec<_>>(), [1, 7]);
    assert!(vendor.blackout_dates.is_sorted());
    assert_eq!(vendor.parallel_events, 1);
}

#[test]
fn every_broken_field_is_named_with_its_row() {
    let flat = |amount: Value, currency: &str| json!([{"label": "x", "basis": "flat", "amount": amount, "currency": currency}]);
    let cases: [(&str, Value, &str); 41] = [
        ("/external_id", json!(" "), "external_id"),
        ("/name", json!(""), "name"),
        ("/name", json!("a\u{7}b"), "name"),
        ("/name", json!("a\u{202e}b"), "name"),
        ("/name", json!("x".repeat(201)), "name"),
        ("/city", json!("\t"), "city"),
        ("/category", json!(3), "category"),
        ("/colour", json!("red"), "colour"),
        ("/location/lat", json!(90.1), "location.lat"),
        ("/location/lon", json!(-181), "location.lon"),
        ("/pricing", json!([]), "pricing"),
        ("/pricing", flat(json!("-1.00"), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!(-1), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!(1500.5), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!("NaN"), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!("inf"), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!("1.005"), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!(null), "INR"), "pricing[0].amount"),
        ("/pricing", flat(json!("1"), "RUPEE"), "pricing[0].currency"),
        ("/pricing/1/currency", json!("EUR"), "pricing[1].currency"),
        ("/pricing/1/basis", json!("per_plate"), "pricing[1].basis"),
        ("/pricing/1/basis", json!("flat"), "pricing[1].option"),
        ("/pricing/1/label", json!(""), "pricing[1].label"),
        ("/capacity/min", json!(151), "capacity.min"),
        ("/capacity/ideal", json!(201), "capacity.ideal"),
        ("/capacity/max", json!(-1), "capacity.max"),
        ("/capacity/seats", json!(1), "capacity.seats"),
        ("/policies/catering", json!("maybe"), "policies.catering"),
        ("/policies/music_until", json!("25:00"), "policies.music_until"),
        ("/rating", json!(5.1), "rating"),
        ("/rating", json!("good"), "rating"),
        ("/tags", json!(vec!["t"; 65]), "tags"),
        ("/tags", json!([""]), "tags[0]"),
        ("/description", json!("x".repeat(4_001)), "description"),
        ("/setup_minutes", json!(-5), "setup_minutes"),
        ("/max_hours", json!(0), "max_hours"),
        ("/closed_weekdays", json!(["someday"]), "closed_weekdays[0]"),
        ("/blackout_dates", json!(["2027-02-30"]), "blackout_dates[0]"),
        ("/tax_percent", json!(101), "tax_percent"),
        ("/parallel_events", json!(0), "parallel_events"),
        ("/source/as_of", json!("yesterday"), "source.as_of"),
    ];
    for (pointer, value, field) in cases {
        let mut broken = venue();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match broken.pointer_mut(parent).unwrap() {
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            object => object[key] = value,
        }
        let mut sound = venue();
        sound["external_id"] = json!("v-2");
        let rows = rows(ImportFormat::Ndjson, &format!("{sound}\n{broken}\n"));
        let error = first_error(&rows[1]);
        assert_eq!((rows[1].number, error.field.as_str()), (2, field), "{error}");
        assert!(rows[0].result.is_ok() && !error.hint.is_empty());
    }
}

#[test]
fn an_in_house_venue_has_plates_and_a_missing_field_is_named() {
    let mut broken = venue();
    broken["pricing"].as_array_mut().unwrap().pop();
    assert_eq!(
        first_error(&rows(ImportFormat::Ndjson, &broken.to_string())[0]).field,
        "policies.catering"
    );
    for field in ["external_id", "category", "name", "city", "pricing"] {
        let mut broken = venue();
        broken.as_object_mut().unwrap().remove(field);
        assert_eq!(first_error(&rows(ImportFormat::Json, &format!("[{broken}]"))[0]).field, field);
    }
}

#[test]
fn a_broken_row_costs_itself_and_a_broken_file_its_rest() {
    let (first, mut third) = (venue(), venue());
    third["external_id"] = json!("v-3");
    let rows = rows(ImportFormat::Json, &format!("[{first},{{\"rating\": NaN}},{third},{first}"));
    let outcome: Vec<(usize, bool, bool)> =
        rows.iter().map(|row| (row.number, row.result.is_ok(), row.fatal)).collect();
    assert_eq!(outcome, [(1, true, false), (2, false, false), (3, true, false), (4, false, true)]);
}

#[test]
fn an_id_that_stands_twice_is_reported_with_both_rows() {
    let text = format!("{}\n\n{}\n", venue(), venue());
    let rows = rows(ImportFormat::Ndjson, &text);
    let error = first_error(&rows[1]);
    assert_eq!(error.field, "external_id");
    assert!(error.message.contains("rows 1 and 2"), "{error}");
}

const HEADER: &str = "external_id,category,name,city,pricing,rating,contact.email,closed_weekdays";

#[test]
fn a_csv_is_read_by_its_columns() {
    let text = format!(
        "{HEADER}\na,venue,\"Hall, old\",Kochi,Hall|flat|5.50|INR;Plate \\| cup|per_guest|7|INR|veg,4.5,x@example.com,mon;7\n"
    );
    let rows = rows(ImportFormat::Csv, &text);
    let vendor = rows[0].result.as_ref().unwrap();
    assert_eq!((vendor.name.as_str(), vendor.pricing.len()), ("Hall, old", 2));
    assert_eq!(vendor.pricing[1].label, "Plate | cup");
    assert_eq!(vendor.contact["email"], "x@example.com");
    assert_eq!(vendor.closed_weekdays.len(), 2);
}

#[test]
fn broken_csv_cells_are_named_by_their_columns() {
    for (row, field) in [
        ("a,venue,A,Kochi,Hall|flat|5|INR,NaN,,", "rating"),
        ("a,venue,A,Kochi,Hall|flat|5|INR,inf,,", "rating"),
        ("a,venue,A,Kochi,Hall|flat|5|INR,9,,", "rating"),
        ("a,venue,A,Kochi,Hall|5|INR,4,,", "pricing"),
        ("a,venue,A,Kochi,Hall|flat|-5|INR,4,,", "pricing[0].amount"),
        ("a,venue,A,Kochi,Hall|flat|5|INR,4,,noday", "closed_weekdays[0]"),
        (",venue,A,Kochi,Hall|flat|5|INR,4,,", "external_id"),
        ("a,venue,A,Kochi", "."),
    ] {
        let rows = rows(ImportFormat::Csv, &format!("{HEADER}\n{row}\n"));
        assert_eq!(first_error(&rows[0]).field, field, "{row}");
        assert!(!rows[0].fatal);
    }
    for (text, field) in [("", "."), ("external_id,colour\n", "colour"), ("name,name\n", "name")] {
        let rows = rows(ImportFormat::Csv, text);
        assert_eq!(first_error(&rows[0]).field, field);
        assert!(rows[0].fatal);
    }
    let unclosed = format!("{HEADER}\n\"{}", "x".repeat(3 * ROW_MAX_BYTES));
    let rows = rows(ImportFormat::Csv, &unclosed);
    assert!(rows[0].fatal && rows.len() == 1);
}

/// A reader that fails after its text.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0.is_empty() {
            return Err(io::Error::other("disk gone"));
        }
        self.0.read(buffer)
    }
}

#[test]
fn a_failing_file_ends_with_a_fatal_row() {
    let line = format!("{}\n", venue());
    for format in [ImportFormat::Json, ImportFormat::Ndjson, ImportFormat::Csv] {
        let last = reader(format, Failing(line.as_bytes())).last().unwrap();
        assert!(last.fatal, "{format:?}");
    }
}
