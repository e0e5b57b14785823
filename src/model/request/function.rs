//! Functions: the parts of an event that have a time, guests and services of their own, such as
//! the evening before a wedding or the second day of a conference.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, ToSpan, civil};
use serde::{Deserialize, Serialize};

use super::{
    checks::{
        GUESTS_MAX, TimeFields, check_anchors, check_existing, check_text, check_time, in_range,
    },
    input::AnchorDocument,
};
use crate::{Anchor, Category, EventTime, EventType, FieldErrors, Request, Window, div_half_even};

/// Functions of one event at most.
const FUNCTIONS_MAX: usize = 16;
/// From the first function's start to the last one's end.
const SPAN_MAX_DAYS: i64 = 14;

/// A part of an event. One vendor per category serves all the functions that need it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub event_type: EventType,
    #[serde(flatten)]
    pub time: EventTime,
    /// 1–100,000.
    pub guests: u32,
    /// The requested services that it needs, by name.
    pub services: Vec<Category>,
    pub anchors: Vec<Anchor>,
}

/// What a schedule or a quote needs to know of a function, or of an event without functions.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// `None`: the event as a whole.
    pub name: Option<&'a str>,
    pub event_type: EventType,
    pub time: &'a EventTime,
    pub guests: u32,
    pub anchors: &'a [Anchor],
    /// `None`: all that the event needs.
    services: Option<&'a [Category]>,
}

impl Part<'_> {
    pub fn needs(&self, category: &Category) -> bool {
        self.services.is_none_or(|services| services.contains(category))
    }
}

impl Request {
    /// The functions, or the whole event where it has none; by start.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> + Clone {
        let whole = self.functions.is_empty().then_some(Part {
            name: None,
            event_type: self.event_type,
            time: &self.time,
            guests: self.guests,
            anchors: &self.anchors,
            services: None,
        });
        let parts = self.functions.iter().map(|function| Part {
            name: Some(&function.name),
            event_type: function.event_type,
            time: &function.time,
            guests: function.guests,
            anchors: &function.anchors,
            services: Some(&function.services),
        });
        whole.into_iter().chain(parts)
    }

    /// The parts in which a category's vendor serves, by start.
    pub fn parts_of<'a>(
        &'a self,
        category: &'a Category,
    ) -> impl Iterator<Item = Part<'a>> + Clone {
        self.parts().filter(move |part| part.needs(category))
    }

    /// From the start of a category's first part to the end of its last one; the whole event
    /// for one that no part needs.
    pub fn window_of(&self, category: &Category) -> Window {
        let windows = self.parts_of(category).map(|part| part.time.window());
        let hull =
            windows.reduce(|a, b| Window { start: a.start.min(b.start), end: a.end.max(b.end) });
        hull.unwrap_or_else(|| self.time.window())
    }

    /// Why the event can't take place as written: a start or an anchor that a clock change leaves
    /// out.
    pub fn skipped_time(&self) -> Option<String> {
        self.parts().find_map(|part| {
            let (field, why) = part.time.skipped(part.anchors).into_iter().next()?;
            let of = part.name.map_or_else(String::new, |name| format!(" of {name}"));
            Some(format!("{field}{of}: {why}"))
        })
    }

    /// Moves the event to another date; its functions keep their distance.
    pub fn move_to(&mut self, date: civil::Date) {
        let days = (date - self.time.date).get_days();
        self.time.date = date;
        for function in &mut self.functions {
            function.time.date = function.time.date.saturating_add(days.days());
        }
        self.span_functions();
    }

    /// When the event takes place, or one of its functions by its place in `functions`.
    pub fn time_of(&self, function: Option<usize>) -> &EventTime {
        let function = function.and_then(|i| self.functions.get(i));
        function.map_or(&self.time, |function| &function.time)
    }

    /// Another start or length of the event, or of one of its functions.
    pub fn set_time(&mut self, function: Option<usize>, time: EventTime) {
        match function.and_then(|i| self.functions.get_mut(i)) {
            Some(function) => function.time = time,
            None => self.time = time,
        }
        self.span_functions();
    }

    /// Another number of guests: those of the functions change in the same proportion, rounded
    /// half-even, and none falls below 1.
    pub fn set_guests(&mut self, guests: u32) {
        let before = i128::from(self.guests.max(1));
        for function in &mut self.functions {
            let scaled = div_half_even(i128::from(function.guests) * i128::from(guests), before);
            function.guests = u32::try_from(scaled).unwrap_or(u32::MAX).max(1);
        }
        self.guests = guests;
        self.count_guests();
    }

    /// Another number of guests for one function; the event has as many as its largest one.
    /// False where no function has that name, in any case of its letters.
    pub(crate) fn set_function_guests(&mut self, name: &str, guests: u32) -> bool {
        let wanted = name.trim().to_lowercase();
        let named = |f: &&mut Function| f.name.to_lowercase() == wanted;
        let Some(function) = self.functions.iter_mut().find(named) else { return false };
        function.guests = guests;
        self.count_guests();
        true
    }

    fn count_guests(&mut self) {
        if let Some(most) = self.functions.iter().map(|function| function.guests).max() {
            self.guests = most;
        }
    }

    /// Checked functions; none leaves the event as it is.
    pub(crate) fn set_functions(&mut self, mut functions: Vec<Function>) {
        functions.sort_by_key(|function| function.time.window().start);
        self.functions = functions;
        self.count_guests();
        self.span_functions();
    }

    /// The event lasts from its first function to its last one.
    fn span_functions(&mut self) {
        let windows = self.functions.iter().map(|function| function.time.window());
        let Some(end) = windows.map(|window| window.end).max() else { return };
        let first = &self.functions[0].time;
        let minutes = end.duration_since(first.window().start).as_mins();
        self.time = EventTime { minutes: u32::try_from(minutes).unwrap_or(0), ..first.clone() };
    }
}

/// A function as written; what it leaves out is as the event has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FunctionDocument {
    name: String,
    #[serde(default)]
    event_type: Option<EventType>,
    #[serde(default)]
    date: Option<String>,
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    hours: Option<f64>,
    #[serde(default)]
    guests: Option<i64>,
    #[serde(default)]
    services: Vec<String>,
    #[serde(default)]
    anchors: Vec<AnchorDocument>,
}

/// Checks the functions of a request that is checked but for them.
pub(crate) fn check_functions(
    errors: &mut FieldErrors,
    request: &Request,
    documents: &[FunctionDocument],
    now: Timestamp,
) -> Vec<Function> {
    if documents.len() > FUNCTIONS_MAX {
        errors.push("functions", "has too many entries", format!("at most {FUNCTIONS_MAX}"));
    }
    if !documents.is_empty() && !request.anchors.is_empty() {
        let hint = "write each anchor into its function";
        errors.push("anchors", "belong to functions where there are any", hint);
    }
    let checked = documents.iter().enumerate();
    let functions: Vec<Function> =
        checked.filter_map(|(i, document)| check_one(errors, request, i, document, now)).collect();
    let mut names = BTreeSet::new();
    for (i, function) in functions.iter().enumerate() {
        if !names.insert(function.name.to_lowercase()) {
            let message = format!("`{}` stands twice", function.name.escape_debug());
            errors.push(format!("functions[{i}].name"), message, "give each a name of its own");
        }
    }
    if functions.len() < documents.len() || functions.is_empty() {
        return functions;
    }
    let windows = || functions.iter().map(|function| function.time.window());
    if let (Some(start), Some(end)) =
        (windows().map(|w| w.start).min(), windows().map(|w| w.end).max())
        && end.duration_since(start) > SignedDuration::from_hours(24 * SPAN_MAX_DAYS)
    {
        let hint = format!("keep them within {SPAN_MAX_DAYS} days, or send several requests");
        errors.push("functions", "lie too far apart", hint);
    }
    if !functions.iter().any(|function| function.time.date == request.time.date) {
        check_listed(errors, request.time.date, &functions);
    }
    for category in request.services.keys() {
        if !functions.iter().any(|function| function.services.contains(category)) {
            let hint = "name it in a function's services, or leave it out";
            errors.push(format!("services.{category}"), "no function needs it", hint);
        }
    }
    functions
}

/// None begins on the event's date: a part was left out, or the date is not the event's.
fn check_listed(errors: &mut FieldErrors, date: civil::Date, functions: &[Function]) {
    let Some(first) = functions.iter().map(|function| function.time.date).min() else { return };
    let message = format!("none begins on {date}, the event's date");
    let hint = format!(
        "list every part of the event, also the one of {date} (a function without a date is on \
         it), or set date to {first}"
    );
    errors.push("functions", message, hint);
}

fn check_one(
    errors: &mut FieldErrors,
    request: &Request,
    i: usize,
    document: &FunctionDocument,
    now: Timestamp,
) -> Option<Function> {
    let path = format!("functions[{i}]");
    check_text(errors, &format!("{path}.name"), &document.name);
    let (date, start) = (request.time.date.to_string(), request.time.start.to_string());
    let fields = TimeFields {
        path: &format!("{path}."),
        date: document.date.as_deref().unwrap_or(&date),
        start: document.start.as_deref().unwrap_or(&start),
        time_zone: &request.time.time_zone,
        hours: document.hours.unwrap_or(f64::from(request.time.minutes) / 60.0),
    };
    let time = check_time(errors, &fields, now);
    let guests = document.guests.unwrap_or(i64::from(request.guests));
    let guests = in_range(errors, &format!("{path}.guests"), guests, 1, GUESTS_MAX);
    let mut services: BTreeSet<Category> = request.services.keys().cloned().collect();
    if !document.services.is_empty() {
        services.clear();
        for (j, name) in document.services.iter().enumerate() {
            let category = Category::new(name);
            if !request.services.contains_key(&category) {
                let known: Vec<&str> = request.services.keys().map(Category::as_str).collect();
                let message = format!("`{}` is no service of the event", name.escape_debug());
                let hint = format!("choose among {}, or add it to services", known.join(", "));
                errors.push(format!("{path}.services[{j}]"), message, hint);
            }
            services.insert(category);
        }
    }
    let anchors = check_anchors(errors, &format!("{path}.anchors"), &document.anchors);
    if let Some(time) = &time {
        check_existing(errors, &format!("{path}."), time, &anchors);
    }
    Some(Function {
        name: document.name.trim().to_owned(),
        event_type: document.event_type.unwrap_or(request.event_type),
        time: time?,
        guests: guests? as u32,
        services: services.into_iter().collect(),
        anchors,
    })
}
