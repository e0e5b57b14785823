//! Ways out of what the clock refuses.

use super::*;

#[test]
fn closing_times_have_their_way_out() {
    // Every hall closes at 23:00; the event is to last until midnight.
    let hall = |id: &str, minor: i64| {
        let mut hall = venue(id, CateringPolicy::Outside);
        hall.pricing[0].amount.minor = minor;
        let policies = hall.policies.get_or_insert_default();
        policies.open_from = Some(civil::time(8, 0, 0, 0));
        policies.open_until = Some(civil::time(23, 0, 0, 0));
        hall
    };
    let halls = (0..300).map(|i| {
        let mut hall = hall(&format!("v{i:03}"), 100_000 + i);
        // No two alike.
        hall.max_hours = Some(24.0 + i as f64 / 30.0);
        hall
    });
    let caterers = (0..300).map(|i| vendor(&format!("c{i:03}"), "caterer"));
    let case = Case::of(&["venue", "caterer"]).with(halls).with(caterers);
    let (mut asked, mut real) = (0, real_time());
    let explanation = explained_by(&case, &mut |request, categories, engagements| {
        asked += 1;
        real(request, categories, engagements)
    });
    // Some microseconds each.
    assert!(asked < 20_000, "{asked} schedules");
    assert_eq!(
        explanation.conflicts,
        [
            "the timeline: venue v000 closes at 23:00, but the event ends at 00:00; the times \
             don't suit 300 of 300 vendors",
            "a venue is required",
        ]
    );
    let shown: Vec<_> =
        explanation.relaxations.iter().map(|r| (r.field.as_str(), r.advice.as_str())).collect();
    assert_eq!(
        shown,
        [
            ("start", "let the event start at 15:00"),
            ("hours", "shorten the event to 7 hours"),
            ("services.venue.required", "do without a venue where none fits"),
        ]
    );

    // An anchor keeps its time: a start behind it is none.
    let late = edited(&case, |case| {
        case.request.time.start = civil::time(7, 0, 0, 0);
        case.request.time.minutes = 240;
        case.request.anchors = vec![Anchor {
            activity: "blessing".into(),
            at: civil::time(7, 30, 0, 0),
            location: None,
        }];
    });
    let explanation = explained_by(&late, &mut *real_time());
    assert_eq!(of(&explanation, "start"), None, "{explanation:?}");
    assert_eq!(of(&explanation, "hours"), None);
    let pair = edited(&late, |case| case.request.anchors.clear());
    let explanation = explained_by(&pair, &mut *real_time());
    assert_eq!(of(&explanation, "start").unwrap().value, "08:00");
}

#[test]
fn an_hourly_price_and_a_booking_are_matters_of_hours() {
    let mut artist = vendor("p", "photographer");
    artist.pricing = vec![line(Basis::PerHour, 20_000)];
    let mut case =
        Case::of(&["photographer", "venue"]).with([artist, venue("v", CateringPolicy::Outside)]);
    // 1,000.00 for the hall, 200.00 an hour.
    case.request.budget.amount.minor = 210_000;
    let explanation = explained_by(&case, &mut *real_time());
    assert_eq!(of(&explanation, "hours").unwrap().value, "5.5");
    assert_eq!(of(&explanation, "start"), None);

    case.request.budget.amount.minor = 1_000_000;
    let at = |time: &str| format!("2027-02-20T{time}:00Z").parse().unwrap();
    // 14:00 to 16:40 at the place of the event.
    let window = Window { start: at("08:30"), end: at("11:10") };
    case.vendors[0].busy = vec![BookedSlot { slot: 1, window }];
    let explanation = explained_by(&case, &mut *real_time());
    assert_eq!(of(&explanation, "start").unwrap().value, "16:45");
    assert_eq!(of(&explanation, "hours"), None);
}
