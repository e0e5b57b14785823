//! Reads vendor files as a stream: one row at a time, each with its number and what is wrong.

use std::{
    collections::HashMap,
    io::{self, BufReader, Read},
    path::Path,
    str::FromStr,
};

use super::{
    check::check,
    columns::Header,
    raw::RawVendor,
    split::{ArrayElements, Lines, Piece, ROW_MAX_BYTES},
};
use crate::model::{FieldError, FieldErrors, Vendor};

/// Rows that one file may have; what is remembered of each is a few bytes.
pub const ROWS_MAX: usize = 10_000_000;
const BUFFER_BYTES: usize = 64 * 1024;
/// Columns that a CSV may have: all known ones, and room for contacts.
const COLUMNS_MAX: usize = 128;

/// How a vendor file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One array of objects.
    Json,
    /// One object per line.
    Ndjson,
    /// A header line, then one vendor per record.
    Csv,
}

impl Format {
    /// By the first sign of the content; where that tells nothing, by the name's ending, else
    /// CSV.
    pub fn guess(path: Option<&Path>, first_bytes: &[u8]) -> Self {
        let bytes = first_bytes.strip_prefix(BOM).unwrap_or(first_bytes);
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'[') => return Self::Json,
            Some(b'{') => return Self::Ndjson,
            _ => {}
        }
        let ending = path.and_then(Path::extension).and_then(|ending| ending.to_str());
        ending.and_then(|ending| ending.to_ascii_lowercase().parse().ok()).unwrap_or(Self::Csv)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "json" => Ok(Self::Json),
            "ndjson" | "jsonl" => Ok(Self::Ndjson),
            "csv" => Ok(Self::Csv),
            other => Err(format!("`{}` is none of json, ndjson, csv", other.escape_debug())),
        }
    }
}

/// One vendor of a file.
#[derive(Debug)]
pub struct Row {
    /// From 1; a CSV's header is row 0.
    pub number: usize,
    pub result: Result<Vendor, FieldErrors>,
    /// Nothing after this row could be read, so that not even an import that skips bad rows may
    /// take the file. Always with an error, and always the last row.
    pub fatal: bool,
}

/// Reads a vendor file. Holds one row (at most 1 MiB) and some bytes per id at a time.
///
/// A broken row costs itself: the next one is read all the same, as long as the file's structure
/// lets rows be told apart. An id that was met before is an error of the later row.
pub fn reader<R: Read>(format: Format, input: R) -> impl Iterator<Item = Row> + use<R> {
    let input = WithoutBom { input, at_start: true };
    let rows = match format {
        Format::Json => {
            Rows::Json(ArrayElements::new(BufReader::with_capacity(BUFFER_BYTES, input)))
        }
        Format::Ndjson => Rows::Ndjson(Lines::new(BufReader::with_capacity(BUFFER_BYTES, input))),
        Format::Csv => Rows::csv(input),
    };
    VendorReader { rows, number: 0, done: false, seen: HashMap::new() }
}

struct VendorReader<R: Read> {
    rows: Rows<R>,
    number: usize,
    done: bool,
    /// Row numbers by the hash of the id: 64 bits, so that a false alarm among ten million rows
    /// has a chance of one in 400,000.
    seen: HashMap<u64, usize>,
}

impl<R: Read> Iterator for VendorReader<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        if self.done {
            return None;
        }
        let (number, fatal, result) = match self.rows.next_row() {
            Ok(None) => {
                self.done = true;
                return None;
            }
            Ok(Some(_)) if self.number == ROWS_MAX => {
                let message = format!("has more than {ROWS_MAX} rows");
                (self.number + 1, true, Err(file_error(message, "split the file").into()))
            }
            Ok(Some(read)) => {
                self.number += 1;
                (self.number, false, read.and_then(check).and_then(|vendor| self.once(vendor)))
            }
            Err(Unreadable { header, errors }) => {
                (if header { 0 } else { self.number + 1 }, true, Err(errors))
            }
        };
        self.done = fatal;
        Some(Row { number, result, fatal })
    }
}

impl<R: Read> VendorReader<R> {
    fn once(&mut self, vendor: Vendor) -> Result<Vendor, FieldErrors> {
        let digest = blake3::hash(vendor.id.as_str().as_bytes());
        let mut first_bytes = [0; 8];
        first_bytes.copy_from_slice(&digest.as_bytes()[..8]);
        match self.seen.insert(u64::from_le_bytes(first_bytes), self.number) {
            None => Ok(vendor),
            Some(earlier) => {
                let message =
                    format!("`{}` stands in rows {earlier} and {}", vendor.id, self.number);
                let hint = "give each vendor an id of its own, or remove one of the rows";
                Err(FieldError::new("external_id", message, hint).into())
            }
        }
    }
}

/// The rest of the file is lost.
struct Unreadable {
    header: bool,
    errors: FieldErrors,
}

impl Unreadable {
    fn rest(message: impl Into<String>, hint: &str) -> Self {
        Self { header: false, errors: file_error(message, hint).into() }
    }
}

fn file_error(message: impl Into<String>, hint: &str) -> FieldError {
    FieldError::new(".", message, hint)
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::rest(format!("the file could not be read: {error}"), "read it again")
    }
}

enum Rows<R: Read> {
    Json(ArrayElements<BufReader<WithoutBom<R>>>),
    Ndjson(Lines<BufReader<WithoutBom<R>>>),
    Csv { reader: Box<csv::Reader<Limited<R>>>, header: Option<Header> },
}

impl<R: Read> Rows<R> {
    fn csv(input: WithoutBom<R>) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Limited { input, left: 0 });
        Self::Csv { reader: Box::new(reader), header: None }
    }

    /// The next row's shape; `None` at the end.
    fn next_row(&mut self) -> Result<Option<Result<RawVendor, FieldErrors>>, Unreadable> {
        let piece = match self {
            Self::Json(elements) => elements.next_piece()?,
            Self::Ndjson(lines) => lines.next_piece()?,
            Self::Csv { reader, header } => {
                if header.is_none() {
                    match csv_record(reader)? {
                        None => return Err(Unreadable::rest("is empty", "write a header line")),
                        Some(record) => *header = Some(csv_header(&record)?),
                    }
                }
                let (Some(header), Some(record)) = (header, csv_record(reader)?) else {
                    return Ok(None);
                };
                return Ok(Some(header.object(record.iter()).and_then(RawVendor::from_object)));
            }
        };
        match piece {
            Piece::Row(text) => Ok(Some(RawVendor::from_json(&text))),
            Piece::TooLong => {
                let message = format!("has more than {ROW_MAX_BYTES} bytes");
                Ok(Some(Err(file_error(message, "shorten this vendor's record").into())))
            }
            Piece::Broken(message) => {
                let hint = "write a JSON array of objects, or one object per line";
                Err(Unreadable::rest(message, hint))
            }
            Piece::End => Ok(None),
        }
    }
}

fn csv_header(record: &csv::ByteRecord) -> Result<Header, Unreadable> {
    let parsed = if record.len() > COLUMNS_MAX {
        let message = format!("the header has {} columns", record.len());
        Err(file_error(message, "see the columns of a vendor file in the README").into())
    } else {
        Header::parse(record.iter())
    };
    parsed.map_err(|errors| Unreadable { header: true, errors })
}

fn csv_record<R: Read>(
    reader: &mut csv::Reader<Limited<R>>,
) -> Result<Option<csv::ByteRecord>, Unreadable> {
    reader.get_mut().left = ROW_MAX_BYTES + BUFFER_BYTES;
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => Ok(Some(record)),
        Ok(false) => Ok(None),
        Err(error) => {
            Err(Unreadable::rest(error.to_string(), "look for a quote that is not closed"))
        }
    }
}

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Drops the byte order mark that some programs put before UTF-8.
struct WithoutBom<R> {
    input: R,
    at_start: bool,
}

impl<R: Read> Read for WithoutBom<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.at_start || buffer.len() < BOM.len() {
            return self.input.read(buffer);
        }
        self.at_start = false;
        let mut filled = 0;
        while filled < BOM.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !buffer[..filled].starts_with(BOM) {
            return Ok(filled);
        }
        buffer.copy_within(BOM.len()..filled, 0);
        match filled - BOM.len() {
            0 => self.input.read(buffer),
            rest => Ok(rest),
        }
    }
}

/// Gives a record no more bytes than it may have, so that an unclosed quote can't fill the memory.
struct Limited<R> {
    input: WithoutBom<R>,
    left: usize,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let message = format!("a row has more than {ROW_MAX_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let most = buffer.len().min(self.left);
        let read = self.input.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

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

    fn rows(format: Format, text: &str) -> Vec<Row> {
        reader(format, text.as_bytes()).collect()
    }

    fn first_error(row: &Row) -> &FieldError {
        &row.result.as_ref().unwrap_err().0[0]
    }

    #[test]
    fn a_vendor_is_read_with_its_words_folded() {
        let rows = rows(Format::Json, &format!("\u{feff}[{}]", venue()));
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
            let rows = rows(Format::Ndjson, &format!("{sound}\n{broken}\n"));
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
            first_error(&rows(Format::Ndjson, &broken.to_string())[0]).field,
            "policies.catering"
        );
        for field in ["external_id", "category", "name", "city", "pricing"] {
            let mut broken = venue();
            broken.as_object_mut().unwrap().remove(field);
            assert_eq!(first_error(&rows(Format::Json, &format!("[{broken}]"))[0]).field, field);
        }
    }

    #[test]
    fn a_broken_row_costs_itself_and_a_broken_file_its_rest() {
        let (first, mut third) = (venue(), venue());
        third["external_id"] = json!("v-3");
        let rows = rows(Format::Json, &format!("[{first},{{\"rating\": NaN}},{third},{first}"));
        let outcome: Vec<(usize, bool, bool)> =
            rows.iter().map(|row| (row.number, row.result.is_ok(), row.fatal)).collect();
        assert_eq!(
            outcome,
            [(1, true, false), (2, false, false), (3, true, false), (4, false, true)]
        );
    }

    #[test]
    fn an_id_that_stands_twice_is_reported_with_both_rows() {
        let text = format!("{}\n\n{}\n", venue(), venue());
        let rows = rows(Format::Ndjson, &text);
        let error = first_error(&rows[1]);
        assert_eq!(error.field, "external_id");
        assert!(error.message.contains("rows 1 and 2"), "{error}");
    }

    const HEADER: &str =
        "external_id,category,name,city,pricing,rating,contact.email,closed_weekdays";

    #[test]
    fn a_csv_is_read_by_its_columns() {
        let text = format!(
            "{HEADER}\na,venue,\"Hall, old\",Kochi,Hall|flat|5.50|INR;Plate \\| cup|per_guest|7|INR|veg,4.5,x@example.com,mon;7\n"
        );
        let rows = rows(Format::Csv, &text);
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
            let rows = rows(Format::Csv, &format!("{HEADER}\n{row}\n"));
            assert_eq!(first_error(&rows[0]).field, field, "{row}");
            assert!(!rows[0].fatal);
        }
        for (text, field) in
            [("", "."), ("external_id,colour\n", "colour"), ("name,name\n", "name")]
        {
            let rows = rows(Format::Csv, text);
            assert_eq!(first_error(&rows[0]).field, field);
            assert!(rows[0].fatal);
        }
        let unclosed = format!("{HEADER}\n\"{}", "x".repeat(3 * ROW_MAX_BYTES));
        let rows = rows(Format::Csv, &unclosed);
        assert!(rows[0].fatal && rows.len() == 1);
    }

    #[test]
    fn formats_are_guessed_by_content_then_by_name() {
        let guess = |name: &str, bytes: &[u8]| Format::guess(Some(Path::new(name)), bytes);
        assert_eq!(guess("x.csv", b" [{"), Format::Json);
        assert_eq!(guess("x.json", b"\xef\xbb\xbf{"), Format::Ndjson);
        assert_eq!(guess("x.JSON", b""), Format::Json);
        assert_eq!(guess("x", b"external_id,"), Format::Csv);
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
        for format in [Format::Json, Format::Ndjson, Format::Csv] {
            let last = reader(format, Failing(line.as_bytes())).last().unwrap();
            assert!(last.fatal, "{format:?}");
        }
    }
}
