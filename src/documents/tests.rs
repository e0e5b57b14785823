//! One blueprint in every form, with hostile names in it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{calendar::calendar, json::json, markdown::markdown, *};
use model::{
    Note, PlanId, PlanOption, Prose, Request, SearchSummary, StopReason, Strategy, Vendor,
};
use planning::{engagement::Engagement, timeline};

const HOSTILE: &str = "Fig | <b>Hall</b>\n# Owned [x](http://evil)";

fn document() -> Value {
    json!({
        "client": {"name": "A. <i>Client</i>"}, "event_type": "wedding", "date": "2027-05-21",
        "start": "16:00", "time_zone": "Asia/Kolkata", "hours": 8.5, "city": "Kochi",
        "guests": 200, "budget": {"amount": "800000.00", "currency": "INR"},
        "services": {"venue": {}, "caterer": {}, "photographer": {}},
        "preferences": {"styles": ["royal", "garden"], "dietary": ["jain"]},
        "vision": "- a list?\n<script>alert(1)</script> & more"
    })
}

fn request() -> Request {
    let document = document();
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    Request::parse(document.to_string().as_bytes(), now).unwrap()
}

fn vendors() -> Vec<Vendor> {
    let price = json!([{"label": "Day", "basis": "flat", "amount": "1.00", "currency": "INR"}]);
    let venue = json!({
        "external_id": "v-1", "category": "venue", "name": HOSTILE, "city": "Kochi",
        "area": "Fort", "pricing": price, "contact": {"email": "hall@example.com"},
        "policies": {"catering": "in_house", "alcohol": false, "music_until": "22:00:00"},
        "source": {"name": "list", "as_of": "2026-11-01"}, "setup_minutes": 120
    });
    let photographer = json!({
        "external_id": "p-1", "category": "photographer", "name": "Lens", "city": "Kochi",
        "pricing": price, "max_hours": 6, "policies": {"decor": "no <nails>", "alcohol": true}
    });
    [venue, photographer].map(|vendor| serde_json::from_value(vendor).unwrap()).to_vec()
}

/// Option 1 of three places and 381,500.00, and a dearer second one.
fn options() -> Vec<PlanOption> {
    let line = |label: &str, unit: &str, quantity: f64, amount: &str| json!({"label": label, "unit_amount": unit, "quantity": quantity, "amount": amount, "basis": if label == "Hour" { "per_hour" } else { "flat" }});
    let vendors = json!([
        {"category": "venue", "id": "v-1", "name": HOSTILE, "quote": "118000.00",
         "lines": [line("Hall", "100000.00", 1.0, "100000.00")],
         "service_charge": "0.00", "tax": "18000.00"},
        {"category": "caterer", "id": "v-1", "name": HOSTILE, "quote": "231000.00",
         "lines": [line("Plate", "1000.00", 200.0, "200000.00")],
         "service_charge": "20000.00", "tax": "11000.00", "in_house": true},
        {"category": "photographer", "id": "p-1", "name": "Lens", "quote": "32500.50",
         "lines": [line("Hour", "3823.59", 8.5, "32500.50")],
         "service_charge": "0.00", "tax": "0.00"}
    ]);
    let option = |number: u32, total: &str| PlanOption {
        number,
        total: serde_json::from_value(json!(total)).unwrap(),
        fitness: 0.875,
        strategy: Strategy::VenueAndFood,
        budget_fit: 1.0,
        preference_fit: 0.8,
        compatibility: 0.75,
        vendors: serde_json::from_value(vendors.clone()).unwrap(),
        differs_in: 0,
        remarks: vec!["50 rupees dearer".into()],
        best_at: vec![],
        changes: vec![],
    };
    vec![option(1, "381500.50"), option(2, "381550.50")]
}

fn blueprint_of(options: &[PlanOption]) -> Result<Blueprint, DocumentError> {
    blueprint_for(&request(), options)
}

fn blueprint_for(request: &Request, options: &[PlanOption]) -> Result<Blueprint, DocumentError> {
    let vendors = vendors();
    let places = [(0, "venue", false), (0, "caterer", true), (1, "photographer", false)];
    let categories = places.map(|(_, name, _)| name.into());
    let engagements: Vec<Engagement<'_>> = places
        .iter()
        .zip(&categories)
        .map(|(&(i, _, in_house), category)| Engagement { category, vendor: &vendors[i], in_house })
        .collect();
    Blueprint::new(Sources {
        plan: "01890a5d-ac96-774b-bcce-b302099a8057".parse::<PlanId>().unwrap(),
        request,
        options,
        selected: 1,
        vendors: &vendors,
        timeline: &timeline::schedule(request, &[], &engagements),
        summary: &SearchSummary {
            rounds: 4,
            combinations_scored: 1_234,
            best_possible: 0.9,
            proven_gap: 0.025,
            stopped_because: StopReason::EarlyTermination,
            cut_short: false,
        },
        notes: &[Note { code: "llm_fallback".into(), message: "rules_answered".into() }],
        prose: &Prose { summary: "A quiet *evening*.".into(), ..Prose::default() },
        generated_at: "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap(),
    })
}

fn blueprint() -> Blueprint {
    blueprint_of(&options()).unwrap()
}

#[test]
fn the_markdown_tells_the_plan_and_nothing_breaks_out() {
    let text = markdown(&blueprint()).unwrap();
    let hall = r"Fig \| \<b\>Hall\</b\> \# Owned \[x\](http\://evil)";
    for expected in [
        "# Wedding in Kochi, Friday, 21 May 2027\n\nA quiet \\*evening\\*.\n\n| | |\n|---|---|\n",
        "| Client | A. \\<i\\>Client\\</i\\> |\n",
        "| Time | 16:00 to 00:30 (+1 d) (Asia/Kolkata) |\n",
        "| Styles | garden, royal |\n| Dietary | jain |\n| Budget | 800000.00 INR |\n",
        "> \\- a list? \\<script\\>alert(1)\\</script\\> \\& more\n",
        &format!("| caterer | {hall} (in-house) | Plate | 200 | 1000.00 | 200000.00 |\n"),
        &format!("| caterer | {hall} | Service charge | | | 20000.00 |\n"),
        "| photographer | Lens | Hour | 8.5 h | 3823.59 | 32500.50 |\n| photographer | **Lens**",
        &format!("- {hall} allows no alcohol\n- Lens has a rule on decor: no \\<nails\\>\n"),
        "| **Total** | | | | | **381500.50** |\n",
        "| Kept back for contingencies (5 %) | 40000.00 |\n",
        "| Left of what may be spent | 378499.50 |\n",
        "- Email: hall@example.com\n- Arrives 14:00, serves 16:00 to 00:30 (+1 d),",
        "- Alcohol: not allowed\n- Music until: 22:00\n- Quoted price: 118000.00 INR\n",
        "- No contact on record.\n",
        "- Works at most 6 hours\n",
        "- The venue's own kitchen caters; contact and times are the venue's.\n- Quoted price",
        "- **Medium**: Lens works from",
        "- rules\\_answered\n",
        "| 1 (chosen) | 381500.50 | 0.8750 | 1.0000 | 0.8000 | 0.7500 | venue and food |",
        "\n\nOption 2: 50 rupees dearer.\n\n## How good this plan is\n",
        "can reach more than 0.9000; option 1 reaches 0.8750, so at most 0.0250 is missed.",
        "scored 1234 combinations in 4 rounds and stopped because: early termination.\n",
        "| Lens | not stated |  |\n",
        "Plan 01890a5d-ac96-774b-bcce-b302099a8057, written 2026-11-22T12:00:00Z.\n",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    assert!(!text.contains("\n\n\n"), "{text}");
    assert!(!text.contains("<b>") && !text.contains("<script>") && !text.contains("\n# Owned"));
    // Every row of a table has as many cells as its head.
    let cells = |line: &str| line.replace("\\|", "").matches('|').count();
    for pair in text.lines().collect::<Vec<_>>().windows(2) {
        if pair.iter().all(|line| line.starts_with('|')) {
            assert_eq!(cells(pair[0]), cells(pair[1]), "{pair:?}");
        }
    }
}

/// Start and end of each row as told: minutes of the day with its days, and what stands behind.
fn told_rows(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter(|line| line.ends_with(" min |"));
    let times = rows.map(|row| row.split('|').nth(1).unwrap().trim().split_once('–').unwrap());
    times.map(|(start, end)| (start.to_owned(), end.to_owned())).collect()
}

#[test]
fn the_nights_of_the_clock_change_read_forwards() {
    for (zone, date, start, hours, doubled, told) in [
        ("Europe/Berlin", "2027-10-30", "20:00", 7, Some("02:00 CET"), true),
        ("Europe/Berlin", "2027-10-30", "20:00", 10, Some(" CE"), true),
        ("America/New_York", "2027-11-06", "21:00", 5, Some("01:00 EST"), true),
        ("Australia/Lord_Howe", "2027-04-03", "20:00", 6, Some("01:30 +10:30"), true),
        ("Europe/Berlin", "2027-03-27", "20:00", 7, None, true),
        ("Europe/Berlin", "2027-10-29", "20:00", 7, None, false),
        ("Asia/Kolkata", "2027-10-30", "20:00", 7, None, false),
    ] {
        let mut document = document();
        document["time_zone"] = zone.into();
        document["date"] = date.into();
        document["start"] = start.into();
        document["hours"] = hours.into();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let request = Request::parse(document.to_string().as_bytes(), now).unwrap();
        let blueprint = blueprint_for(&request, &options()).unwrap();
        let text = markdown(&blueprint).unwrap();
        assert!(doubled.is_none_or(|time| text.contains(time)), "{zone} {date}:\n{text}");
        assert_eq!(blueprint.clock_changes.len(), usize::from(told), "{zone} {date}");
        assert_eq!(text.contains("The clock goes "), told, "{zone} {date}:\n{text}");
        assert_eq!(calendar(&blueprint).contains("clock goes"), told, "{zone} {date}");
        for row in &blueprint.run_of_show {
            assert!(row.start <= row.end);
        }
        // As a reader orders them: by day and time of day, unless a zone stands with both.
        for (from, until) in told_rows(&text) {
            let key = |told: &str| {
                let days = if told.contains("(+1 d)") { 1 } else { 0 };
                (days, told[..5].to_owned())
            };
            let has_zone = |told: &str| told.replace(" (+1 d)", "").len() > 5;
            let reads_forwards = key(&from) <= key(&until);
            assert!(reads_forwards || (has_zone(&from) && has_zone(&until)), "{from}–{until}");
        }
    }
}

#[test]
fn the_same_blueprint_gives_the_same_bytes_and_reads_back() {
    let first = blueprint();
    let value: Value = serde_json::from_str(&json(&first).unwrap()).unwrap();
    assert_eq!(serde_json::from_value::<Blueprint>(value.clone()).unwrap(), first);
    assert_eq!(value["budget"]["total"], Value::from("381500.50"));
    assert_eq!(value["event"]["start"], Value::from("2027-05-21T16:00:00+05:30[Asia/Kolkata]"));
    let again = blueprint();
    assert_eq!(markdown(&first).unwrap(), markdown(&again).unwrap());
    assert_eq!(calendar(&first), calendar(&again));
}

#[test]
fn sums_that_do_not_hold_are_refused() {
    let mut broken = options();
    broken[0].total.minor += 1;
    assert!(matches!(blueprint_of(&broken), Err(DocumentError::OutOfBalance { .. })));
    let mut broken = options();
    broken[0].vendors[1].tax.minor -= 1;
    assert!(matches!(blueprint_of(&broken), Err(DocumentError::OutOfBalance { .. })));
    let mut unknown = options();
    unknown[0].vendors[0].id = "gone".into();
    assert!(matches!(blueprint_of(&unknown), Err(DocumentError::MissingVendor { .. })));
    assert!(matches!(blueprint_of(&[]), Err(DocumentError::NoSuchOption { number: 1 })));
}

#[test]
fn the_calendar_keeps_to_its_line_length() {
    let text = calendar(&blueprint());
    assert!(
        text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")
            && text.ends_with("END:VCALENDAR\r\n")
    );
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    assert!(text.contains("DTSTART:20270521T103000Z\r\nDTEND:20270521T190000Z\r\n"));
    assert_eq!(text.matches("BEGIN:VEVENT").count(), text.matches("END:VEVENT").count());
    let unfolded = text.replace("\r\n ", "");
    assert!(unfolded.contains("SUMMARY:venue: Fig | <b>Hall</b>\\n# Owned"), "{unfolded}");
}

#[test]
fn each_form_is_written_under_its_name_and_rewritten_when_the_plan_is_called_off() {
    let documents = render(&blueprint()).unwrap();
    let told: Vec<_> = documents.iter().map(|d| (&d.name[..], &d.media_type[..])).collect();
    assert_eq!(told, FORMS.iter().map(|form| (form.name, form.media_type)).collect::<Vec<_>>());
    let at = "2026-12-01T12:00:00Z".parse::<Timestamp>().unwrap();
    let how = CalledOff { state: model::PlanState::Cancelled, at, successor: None };
    let anew = call_off(&documents, how);
    assert_eq!(anew.len(), documents.len());
    assert!(anew.iter().zip(&documents).all(|(new, old)| new.name == old.name && new != old));
    assert_eq!(call_off(&documents[..1], how), [], "without the JSON they stay as they are");
}
