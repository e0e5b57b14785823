//! Whole timelines: the rules that must hold for any of them, and the ways they can clash.
use jiff::{Timestamp, civil};

use crate::timeline::*;
use model::{
    Amount, Anchor, Budget, Client, Currency, EventTime, EventType, GeoPoint, Percent, Policies,
    Preferences, Request, Service, Vendor, Wants,
};

const CATEGORIES: [&str; 6] =
    ["venue", "caterer", "photographer", "makeup_artist", "music", "decorator"];

fn request(event_type: EventType, start: civil::Time, minutes: u32) -> Request {
    let service = Service { required: true, weight: 1.0, quantity: 1 };
    Request {
        client: Client { name: "A".into(), email: None, phone: None },
        event_type,
        time: EventTime {
            date: civil::date(2027, 5, 21),
            start,
            time_zone: "Asia/Kolkata".into(),
            minutes,
        },
        city: "Kochi".into(),
        guests: 200,
        budget: Budget { amount: Amount::new(80_000_000, 2), currency: Currency::INR },
        contingency: Percent::from_whole(5),
        services: CATEGORIES.iter().map(|name| (Category::new(name), service)).collect(),
        preferences: Preferences::default(),
        vision: String::new(),
        must_include: Vec::new(),
        exclude: Vec::new(),
        anchors: Vec::new(),
        functions: Vec::new(),
        seed: 0,
    }
}

fn wedding() -> Request {
    request(EventType::Wedding, civil::time(16, 0, 0, 0), 480)
}

fn vendor(category: &str) -> Vendor {
    let name = format!("The {category}");
    Vendor {
        setup_minutes: 45,
        teardown_minutes: 30,
        ..Vendor::new(category.into(), category.into(), name, "Kochi".into())
    }
}

fn vendors(categories: &[&str]) -> Vec<Vendor> {
    categories.iter().map(|category| vendor(category)).collect()
}

/// Changes the vendor of one category.
fn change(vendors: &mut [Vendor], category: &str, change: impl Fn(&mut Vendor)) {
    vendors.iter_mut().filter(|v| v.category.as_str() == category).for_each(change);
}

fn music_until(vendors: &mut [Vendor], hour: i8) {
    let music_until = Some(civil::time(hour, 0, 0, 0));
    change(vendors, "venue", |venue| {
        venue.policies = Some(Policies { music_until, ..Policies::default() });
    });
}

fn defs() -> Vec<CategoryDef> {
    let lead = |name: &str| match name {
        "makeup_artist" => 240,
        "photographer" => 120,
        _ => 0,
    };
    let def = |(i, name): (usize, &&str)| CategoryDef {
        name: Category::new(name),
        position: i as i32,
        wants: Vec::<Wants>::new(),
        lead_minutes: lead(name),
    };
    CATEGORIES.iter().enumerate().map(def).collect()
}

fn run(request: &Request, vendors: &[Vendor]) -> Timeline {
    let engagements: Vec<Engagement<'_>> = vendors
        .iter()
        .map(|vendor| Engagement { category: &vendor.category, vendor, in_house: false })
        .collect();
    schedule(request, &defs(), &engagements)
}

fn anchor(activity: &str, hour: i8, minute: i8) -> Anchor {
    Anchor { activity: activity.into(), at: civil::time(hour, minute, 0, 0), location: None }
}

fn local(at: Timestamp, request: &Request) -> String {
    at.to_zoned(request.time.zone()).strftime("%d %H:%M").to_string()
}

/// `name start–end` in local time.
fn shown(timeline: &Timeline, request: &Request) -> Vec<String> {
    let line =
        |a: &Activity| format!("{} {}–{}", a.name, local(a.start, request), local(a.end, request));
    timeline.activities.iter().map(line).collect()
}

fn find<'a>(timeline: &'a Timeline, name: &str) -> &'a Activity {
    let found = timeline.activities.iter().find(|activity| activity.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {timeline:#?}"))
}

/// What holds for every timeline without a high conflict.
fn check_rules(request: &Request, vendors: &[Vendor], timeline: &Timeline) {
    let window = request.time.window();
    let main: Vec<&Activity> =
        timeline.activities.iter().filter(|a| a.name != "getting ready").collect();
    assert!(main[0].start >= window.start && main[main.len() - 1].end <= window.end);
    for pair in main.windows(2) {
        assert!(pair[0].end <= pair[1].start, "{:#?}", shown(timeline, request));
    }
    assert!(main.iter().all(|activity| activity.start < activity.end));
    for call in &timeline.calls {
        let vendor = vendors.iter().find(|v| v.id == call.vendor).unwrap();
        let def = defs().into_iter().find(|def| def.name == call.category).unwrap();
        let widest =
            window.widened(def.lead_minutes + vendor.setup_minutes, vendor.teardown_minutes);
        assert!(widest.start <= call.arrive && call.leave <= widest.end, "{call:?}");
        assert!(call.arrive <= call.service_start && call.service_end <= call.leave);
        assert!(call.service_start < call.service_end);
        let served = call.service_end.duration_since(call.service_start).as_mins() as f64;
        assert!(vendor.max_hours.is_none_or(|hours| served <= hours * 60.0), "{call:?}");
    }
    if let Some(until) = vendors[0].policies.as_ref().and_then(|p| p.music_until) {
        let end = super::hours::minutes_to_music_end(&request.time.start_zoned(), until);
        let music = timeline.activities.iter().filter(|a| a.category == Some("music".into()));
        assert!(music.map(|a| a.end.duration_since(window.start).as_mins()).all(|at| at <= end));
    }
}

#[test]
fn a_wedding_is_laid_out_over_its_hours() {
    let mut request = wedding();
    request.anchors = vec![anchor("Ceremony", 17, 0)];
    let vendors = vendors(&CATEGORIES);
    let timeline = run(&request, &vendors);
    let expected = [
        "getting ready 21 14:30–21 16:00",
        "guest arrival 21 16:00–21 17:00",
        "Ceremony 21 17:00–21 18:20",
        "reception drinks 21 18:20–21 19:10",
        "dinner 21 19:10–21 21:00",
        "toasts 21 21:00–21 21:20",
        "cake cutting 21 21:20–21 21:35",
        "dancing 21 21:35–21 23:45",
        "farewell 21 23:45–22 00:00",
    ];
    assert_eq!(shown(&timeline, &request), expected);
    assert_eq!(timeline.conflicts, []);
    check_rules(&request, &vendors, &timeline);
    let call = |category: &str| timeline.calls.iter().find(|c| c.category.as_str() == category);
    assert_eq!(local(call("makeup_artist").unwrap().arrive, &request), "21 13:45");
    assert_eq!(local(call("photographer").unwrap().service_start, &request), "21 15:00");
    assert_eq!(local(call("caterer").unwrap().arrive, &request), "21 17:35");
    assert_eq!(local(call("venue").unwrap().leave, &request), "22 00:30");
    assert_eq!(find(&timeline, "Ceremony").slack_minutes, 0);
    assert!(find(&timeline, "dinner").slack_minutes > 0);
}

#[test]
fn an_in_house_kitchen_comes_with_its_venue() {
    let request = wedding();
    let (venue, kitchen) = (vendor("venue"), Category::new("caterer"));
    let engagements = [
        Engagement { category: &venue.category, vendor: &venue, in_house: false },
        Engagement { category: &kitchen, vendor: &venue, in_house: true },
    ];
    let timeline = schedule(&request, &defs(), &engagements);
    assert_eq!(timeline.calls.len(), 1);
    assert_eq!(find(&timeline, "dinner").category, Some(kitchen));
    assert!(timeline.activities.iter().any(|a| a.name == "celebration"), "no music is engaged");
}

#[test]
fn music_is_shortened_then_moved_then_refused() {
    let mut vendors = vendors(&CATEGORIES);
    let late = request(EventType::Wedding, civil::time(19, 0, 0, 0), 360);
    for (until, severity, dance_before_dinner) in [
        (23, Some(Severity::Low), false),
        (22, Some(Severity::Low), false),
        (21, Some(Severity::Low), true),
    ] {
        music_until(&mut vendors, until);
        let timeline = run(&late, &vendors);
        let worst = timeline.conflicts.first().map(|conflict| conflict.severity);
        assert_eq!(worst, severity, "{until}: {:#?}", timeline.conflicts);
        let moved = find(&timeline, "dancing").start < find(&timeline, "dinner").start;
        assert_eq!(moved, dance_before_dinner, "{:#?}", shown(&timeline, &late));
        check_rules(&late, &vendors, &timeline);
    }
    music_until(&mut vendors, 20);
    let timeline = run(&late, &vendors);
    assert!(timeline.has_high());
    let conflict = &timeline.conflicts[0];
    assert!(conflict.chain.iter().any(|c| c.contains("music until 20:00")), "{conflict:#?}");
    assert!(conflict.chain.iter().any(|c| c.contains("starts at 19:00")), "{conflict:#?}");
    // After midnight the closing time is the next morning's.
    music_until(&mut vendors, 2);
    assert_eq!(run(&late, &vendors).conflicts, []);
}

#[test]
fn anchors_of_the_clients_own_become_activities() {
    let mut request = wedding();
    request.anchors = vec![anchor("fireworks", 21, 30), anchor("arrival of the groom", 16, 5)];
    let vendors = vendors(&CATEGORIES);
    let timeline = run(&request, &vendors);
    assert!(!timeline.has_high(), "{:#?}", timeline.conflicts);
    assert_eq!(local(find(&timeline, "fireworks").start, &request), "21 21:30");
    assert_eq!(local(find(&timeline, "arrival of the groom").start, &request), "21 16:05");
    check_rules(&request, &vendors, &timeline);
}

#[test]
fn anchors_that_cannot_hold_name_what_they_clash_with() {
    let cases: [(&[Anchor], &[&str]); 4] = [
        (
            &[anchor("ceremony", 18, 0), anchor("dinner", 17, 0)],
            &["dinner is fixed at 17:00", "ceremony is fixed at 18:00"],
        ),
        (&[anchor("dinner", 23, 50)], &["dinner is fixed at 23:50", "the event ends at 00:00"]),
        (&[anchor("fireworks", 3, 0)], &["fireworks is fixed at 03:00", "ends at 00:00"]),
        (
            &[anchor("getting ready", 15, 45), anchor("ceremony", 16, 15)],
            &["getting ready is fixed at 15:45", "ceremony is fixed at 16:15"],
        ),
    ];
    for (anchors, facts) in cases {
        let mut request = wedding();
        request.anchors = anchors.to_vec();
        let timeline = run(&request, &vendors(&CATEGORIES));
        assert!(timeline.has_high(), "{anchors:?}");
        let chain = timeline.conflicts[0].chain.join("; ");
        assert!(facts.iter().all(|fact| chain.contains(fact)), "{chain}");
    }
}

#[test]
fn short_stays_are_warned_of_and_too_short_ones_refused() {
    for (category, hours, worst) in [
        ("photographer", 9.0, None),
        ("photographer", 6.0, Some(Severity::Medium)),
        ("photographer", 1.0, Some(Severity::High)),
        ("caterer", 1.5, None),
        ("caterer", 0.75, Some(Severity::High)),
        ("venue", 6.0, Some(Severity::High)),
        ("venue", 8.0, None),
        ("music", 0.25, Some(Severity::High)),
        ("music", 0.5, None),
        ("decorator", 4.0, Some(Severity::Medium)),
        ("makeup_artist", 0.5, None),
    ] {
        let mut vendors = vendors(&CATEGORIES);
        change(&mut vendors, category, |vendor| vendor.max_hours = Some(hours));
        let mut request = wedding();
        // Without drinks a caterer needs no more than the dinner.
        request.anchors = vec![anchor("dinner", 20, 0)];
        let timeline = run(&request, &vendors);
        let found = timeline.conflicts.first().map(|conflict| conflict.severity);
        assert_eq!(found, worst, "{category} {hours}: {:#?}", timeline.conflicts);
        if found != Some(Severity::High) {
            check_rules(&request, &vendors, &timeline);
        }
    }
}

#[test]
fn a_short_event_keeps_what_is_essential() {
    let timeline =
        run(&request(EventType::Wedding, civil::time(10, 0, 0, 0), 120), &vendors(&CATEGORIES));
    let names: Vec<&str> = timeline.activities.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names, ["getting ready", "guest arrival", "ceremony", "brunch", "dancing"]);
    assert!(timeline.conflicts.iter().all(|c| c.severity == Severity::Low));
    let half_an_hour = request(EventType::Gala, civil::time(10, 0, 0, 0), 30);
    let timeline = run(&half_an_hour, &vendors(&CATEGORIES));
    assert_eq!(timeline.conflicts[0].severity, Severity::Medium);
    check_rules(&half_an_hour, &vendors(&CATEGORIES), &timeline);
}

#[test]
fn clock_changes_move_local_times_and_not_lengths() {
    let mut request = wedding();
    request.time.date = civil::date(2027, 10, 30);
    request.time.start = civil::time(20, 0, 0, 0);
    request.time.time_zone = "Europe/Berlin".into();
    // The night from 30 to 31 October has 25 hours: 02:00–03:00 comes twice.
    request.anchors = vec![anchor("farewell", 3, 30)];
    request.time.minutes = 9 * 60;
    let timeline = run(&request, &vendors(&CATEGORIES));
    let farewell = find(&timeline, "farewell");
    assert_eq!(local(farewell.start, &request), "31 03:30");
    let minutes = farewell.start.duration_since(request.time.window().start).as_mins();
    assert_eq!(minutes, 8 * 60 + 30);
}

mod parts;
mod properties;
mod refusals;
