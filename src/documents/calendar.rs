//! The blueprint as a calendar (RFC 5545): the event, its activities, and the vendors' calls.

use jiff::{Timestamp, Zoned, tz::TimeZone};

use crate::blueprint::Blueprint;

/// Octets of a content line without its break (RFC 5545 §3.1).
const LINE_MAX_BYTES: usize = 75;

/// An `.ics` file: times in UTC, so that no zone definition is needed. Of a plan that was called
/// off the same entries, cancelled by a later sequence (RFC 5546 §3.2.5).
pub(crate) fn calendar(blueprint: &Blueprint) -> String {
    let event = &blueprint.event;
    let mut file = File { text: String::new(), blueprint, entries: 0 };
    file.line("BEGIN:VCALENDAR");
    file.line("VERSION:2.0");
    file.line("PRODID:-//eventplanner//blueprint//EN");
    if blueprint.called_off.is_some() {
        file.line("METHOD:CANCEL");
    }
    let title = format!("{} of {}", event.event_type, event.client);
    let told = std::iter::once(&blueprint.prose.summary).chain(&blueprint.clock_changes);
    let told: Vec<&str> = told.map(String::as_str).filter(|text| !text.is_empty()).collect();
    file.entry(&title, &event.start, &event.end, &told.join("\n"));
    for activity in &blueprint.run_of_show {
        let by = activity.vendor.as_deref().unwrap_or_default();
        let name = match &activity.function {
            Some(function) => format!("{function}: {}", activity.name),
            None => activity.name.clone(),
        };
        file.entry(&name, &activity.start, &activity.end, by);
    }
    for place in &blueprint.vendors {
        for call in place.call.iter().chain(&place.further_calls) {
            let category = place.category.as_str().replace('_', " ");
            let title = format!("{category}: {} on the spot", place.name);
            let contact: Vec<String> =
                place.contact.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            file.entry(&title, &call.arrive, &call.leave, &contact.join("\n"));
        }
    }
    file.line("END:VCALENDAR");
    file.text
}

struct File<'a> {
    text: String,
    blueprint: &'a Blueprint,
    entries: usize,
}

impl File<'_> {
    fn entry(&mut self, summary: &str, start: &Zoned, end: &Zoned, description: &str) {
        self.entries += 1;
        let uid = format!("UID:{}-{}@eventplanner", self.blueprint.plan, self.entries);
        self.line("BEGIN:VEVENT");
        self.line(&uid);
        let called_off = self.blueprint.called_off;
        let stamp = called_off.map_or(self.blueprint.generated_at, |how| how.at);
        self.line(&format!("DTSTAMP:{}", utc(stamp)));
        if called_off.is_some() {
            self.line("STATUS:CANCELLED");
            self.line("SEQUENCE:1");
            // A cancellation must name who organises it.
            self.line(&format!("ORGANIZER:urn:uuid:{}", self.blueprint.plan));
        }
        self.line(&format!("DTSTART:{}", utc(start.timestamp())));
        self.line(&format!("DTEND:{}", utc(end.timestamp())));
        self.line(&format!("SUMMARY:{}", escaped(summary)));
        self.line(&format!("LOCATION:{}", escaped(&self.blueprint.event.city)));
        if !description.is_empty() {
            self.line(&format!("DESCRIPTION:{}", escaped(description)));
        }
        self.line("END:VEVENT");
    }

    /// Writes a content line, folded between characters.
    fn line(&mut self, line: &str) {
        let mut room = LINE_MAX_BYTES;
        for c in line.chars() {
            if c.len_utf8() > room {
                self.text.push_str("\r\n ");
                room = LINE_MAX_BYTES - 1;
            }
            self.text.push(c);
            room -= c.len_utf8();
        }
        self.text.push_str("\r\n");
    }
}

fn utc(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Text values: `\`, `;` and `,` are escaped, line breaks written as `\n` (RFC 5545 §3.3.11).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            '\\' | ';' | ',' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}
