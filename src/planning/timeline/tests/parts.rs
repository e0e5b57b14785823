//! Functions, ways between places, venue hours, breaks.

use crate::timeline::tests::*;
use model::{Function, GeoPoint};

fn severities(timeline: &Timeline) -> Vec<Severity> {
    timeline.conflicts.iter().map(|conflict| conflict.severity).collect()
}

fn open(vendors: &mut [Vendor], from: i8, until: i8) {
    let time = |hour| Some(civil::time(hour, 0, 0, 0));
    change(vendors, "venue", |venue| {
        let hours =
            Policies { open_from: time(from), open_until: time(until), ..Policies::default() };
        venue.policies = Some(hours);
    });
}

fn function(name: &str, day: i8, hour: i8, minutes: u32, services: &[&str]) -> Function {
    Function {
        name: name.into(),
        event_type: EventType::Other,
        time: EventTime {
            date: civil::date(2027, 5, day),
            start: civil::time(hour, 0, 0, 0),
            time_zone: "Asia/Kolkata".into(),
            minutes,
        },
        guests: 80,
        services: services.iter().map(Category::new).collect(),
        anchors: Vec::new(),
    }
}

#[test]
fn each_function_has_a_run_of_show_and_calls_of_its_own() {
    let mut request = wedding();
    let mut wedding_day = function("Wedding", 21, 16, 480, &CATEGORIES);
    wedding_day.event_type = EventType::Wedding;
    wedding_day.anchors = vec![anchor("ceremony", 17, 0)];
    request.functions = vec![
        function("Mehndi", 20, 18, 240, &["venue", "caterer", "music"]),
        wedding_day,
        function("Brunch", 22, 11, 180, &["venue", "caterer"]),
    ];
    let timeline = run(&request, &vendors(&CATEGORIES));
    assert!(!timeline.has_high(), "{:#?}", timeline.conflicts);
    let days = |function: &str| -> Vec<String> {
        let own = timeline.activities.iter().filter(|a| a.function.as_deref() == Some(function));
        let mut days: Vec<String> = own.map(|a| local(a.start, &request)[..2].to_owned()).collect();
        days.dedup();
        days
    };
    assert_eq!(days("Mehndi"), ["20"]);
    assert_eq!(days("Wedding"), ["21"]);
    assert_eq!(days("Brunch"), ["22"]);
    let calls = |category: &str| -> Vec<&str> {
        let own = timeline.calls.iter().filter(|call| call.category.as_str() == category);
        own.map(|call| call.function.as_deref().unwrap()).collect()
    };
    assert_eq!(calls("caterer"), ["Mehndi", "Wedding", "Brunch"]);
    assert_eq!(calls("photographer"), ["Wedding"]);
    assert_eq!(local(find(&timeline, "ceremony").start, &request), "21 17:00");
}

#[test]
fn nobody_serves_two_functions_at_once() {
    let mut request = wedding();
    let both = &["venue", "caterer"];
    request.functions =
        vec![function("Lunch", 21, 12, 240, both), function("Tea", 21, 15, 180, both)];
    let timeline = run(&request, &vendors(&CATEGORIES));
    let conflict = timeline.conflicts.iter().find(|c| c.severity == Severity::High).unwrap();
    assert!(conflict.message.contains("The venue cannot serve Lunch and Tea"), "{conflict:?}");
    assert_eq!(conflict.chain.len(), 2);
    // Half an hour apart, its things stay where they are.
    request.functions[1] = function("Tea", 21, 16, 180, both);
    let timeline = run(&request, &vendors(&CATEGORIES));
    assert!(!timeline.has_high(), "{:#?}", timeline.conflicts);
    assert!(timeline.conflicts.iter().any(|c| c.message.contains("stays set up")));
}

#[test]
fn the_way_between_two_places_takes_its_time() {
    let at = |lat| Some(GeoPoint { lat, lon: 77.6 });
    let mut vendors = vendors(&CATEGORIES);
    change(&mut vendors, "venue", |venue| venue.location = at(13.0));
    change(&mut vendors, "music", |music| music.location = at(12.9));
    let mut request = wedding();
    let mut church = anchor("ceremony", 17, 0);
    church.location = at(12.9);
    request.anchors = vec![church];
    let timeline = run(&request, &vendors);
    assert!(!timeline.has_high(), "{:#?}", timeline.conflicts);
    let (ceremony, drinks) = (find(&timeline, "ceremony"), find(&timeline, "reception drinks"));
    let arrival = find(&timeline, "guest arrival");
    assert!(ceremony.start.duration_since(arrival.end).as_mins() >= 35);
    assert!(drinks.start.duration_since(ceremony.end).as_mins() >= 35);
    let way = find(&timeline, "way to ceremony");
    assert_eq!((way.end, way.end.duration_since(way.start).as_mins()), (ceremony.start, 35));
    let music = timeline.calls.iter().find(|call| call.category.as_str() == "music").unwrap();
    assert_eq!(music.arrive.duration_since(music.depart.unwrap()).as_mins(), 35);
    // A dinner at the venue right after the ceremony at the church can't be.
    request.anchors.push(anchor("dinner", 17, 30));
    let timeline = run(&request, &vendors);
    assert!(timeline.has_high());
    let chain = timeline.conflicts.iter().flat_map(|c| &c.chain).cloned().collect::<Vec<_>>();
    assert!(chain.iter().any(|fact| fact.starts_with("the way from")), "{chain:#?}");
}

#[test]
fn a_venues_hours_bind_setup_event_and_teardown() {
    // The event: 16:00 to 24:00. Setup takes 45 minutes, teardown 30.
    for (from, until, refused, fact) in [
        (15, 1, false, ""),
        (16, 2, true, "sets up from 15:15"),
        (17, 2, true, "the event starts at 16:00"),
        (8, 23, true, "the event ends at 00:00"),
        (8, 0, true, "clears away until 00:30"),
    ] {
        let mut vendors = vendors(&CATEGORIES);
        open(&mut vendors, from, until);
        let timeline = run(&wedding(), &vendors);
        assert_eq!(timeline.has_high(), refused, "{from} {until}: {:#?}", timeline.conflicts);
        let chain = timeline.conflicts.iter().flat_map(|c| c.chain.clone()).collect::<Vec<_>>();
        assert!(fact.is_empty() || chain.iter().any(|c| c.contains(fact)), "{chain:#?}");
    }
}

#[test]
fn a_caterer_who_cannot_set_up_in_time_moves_the_meal() {
    let mut vendors = vendors(&["venue", "caterer"]);
    change(&mut vendors, "caterer", |caterer| caterer.setup_minutes = 240);
    open(&mut vendors, 15, 2);
    let timeline = run(&wedding(), &vendors);
    assert!(!timeline.has_high(), "{:#?}", timeline.conflicts);
    let call = timeline.calls.iter().find(|call| call.category.as_str() == "caterer").unwrap();
    assert!(local(call.arrive, &wedding()).as_str() >= "21 15:00");
    change(&mut vendors, "caterer", |caterer| caterer.setup_minutes = 600);
    let refused = run(&wedding(), &vendors);
    assert!(refused.has_high());
    let chain = refused.conflicts[0].chain.join("; ");
    assert!(chain.contains("opens at 15:00") && chain.contains("600 minutes"), "{chain}");
}

#[test]
fn long_services_have_a_break() {
    let timeline = run(&wedding(), &vendors(&CATEGORIES));
    for call in &timeline.calls {
        let minutes = call.service_end.duration_since(call.service_start).as_mins();
        let relieved = ["venue", "caterer"].contains(&call.category.as_str());
        assert_eq!(call.breaks.len(), usize::from(minutes > 360 && !relieved), "{call:?}");
        for pause in &call.breaks {
            assert!(call.service_start < pause.start && pause.end <= call.service_end);
            assert_eq!(pause.end.duration_since(pause.start).as_mins(), 30);
        }
    }
    let photographer = timeline.calls.iter().find(|c| c.category.as_str() == "photographer");
    let (pause, dinner) = (photographer.unwrap().breaks[0], find(&timeline, "dinner"));
    assert!(dinner.start <= pause.start && pause.end <= dinner.end);
}

#[test]
fn a_corporate_day_has_sessions_and_breaks() {
    let day = request(EventType::Corporate, civil::time(9, 0, 0, 0), 540);
    for (engaged, breaks) in [
        (&["venue", "caterer"][..], ["coffee break", "afternoon coffee"]),
        (&["venue"], ["break", "afternoon break"]),
    ] {
        let timeline = run(&day, &vendors(engaged));
        assert_eq!(severities(&timeline), [], "{:#?}", timeline.conflicts);
        let names: Vec<&str> = timeline.activities.iter().map(|a| a.name.as_str()).collect();
        let place = |name: &str| names.iter().position(|own| *own == name).unwrap();
        let order =
            ["keynote", breaks[0], "sessions", "workshops", breaks[1], "afternoon sessions"];
        assert!(order.windows(2).all(|two| place(two[0]) < place(two[1])), "{names:?}");
    }
}
