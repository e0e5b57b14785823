//! Hard constraints on a single vendor, each to its edge.

use crate::{
    domain::constraints::*,
    samples::{Case, meal, vendor},
};
use model::{BookedSlot, Capacity, EventTime, EventType, Function, PriceLine, Window};

fn check(case: &Case) -> Option<Violation> {
    let input = case.input();
    let areas = AreaTable::new(input.areas);
    Rules::new(&input, &areas).broken(&case.categories[0], &case.vendors[0]).first()
}

/// Changes a vendor.
type Edit = fn(&mut Vendor);

#[test]
fn every_limit_is_kept_to_the_edge() {
    let cases: &[(Option<Violation>, Edit)] = &[
        (None, |_| ()),
        (None, |v| v.capacity = Some(Capacity { min: Some(100), ideal: None, max: Some(100) })),
        (Some(Violation::BelowMinimum), |v| {
            v.capacity = Some(Capacity { min: Some(101), ..Capacity::default() });
        }),
        (Some(Violation::AboveMaximum), |v| {
            v.capacity = Some(Capacity { max: Some(99), ..Capacity::default() });
        }),
        // 1 December to 20 February: 81 days.
        (None, |v| v.lead_days = 81),
        (Some(Violation::LeadTime), |v| v.lead_days = 82),
        (Some(Violation::Blackout), |v| v.blackout_dates = vec![civil::date(2027, 2, 20)]),
        (None, |v| v.blackout_dates = vec![civil::date(2027, 2, 21)]),
        (Some(Violation::ClosedWeekday), |v| v.closed_weekdays = vec!["saturday".parse().unwrap()]),
        (None, |v| v.closed_weekdays = vec!["sunday".parse().unwrap()]),
        (Some(Violation::Currency), |v| v.pricing[0].currency = "USD".parse().unwrap()),
        (None, |v| v.city = " BENGALURU ".into()),
        (Some(Violation::City), |v| v.city = "Mysuru".into()),
        (Some(Violation::City), |v| {
            v.city = "Mysuru".into();
            v.location = Some(GeoPoint { lat: 12.3, lon: 77.6 });
            v.service_radius_km = Some(111.0);
        }),
        // The mean of the three areas is at 13.3: 111.2 km away.
        (None, |v| {
            v.city = "Mysuru".into();
            v.location = Some(GeoPoint { lat: 12.3, lon: 77.6 });
            v.service_radius_km = Some(112.0);
        }),
        (Some(Violation::Excluded), |v| v.id = "unwanted".into()),
    ];
    for (i, (expected, edit)) in cases.iter().enumerate() {
        let mut florist = vendor("f", "florist");
        edit(&mut florist);
        let mut case = Case::of(&["florist"]).with([florist]);
        case.request.exclude = vec!["unwanted".into()];
        assert_eq!(check(&case), *expected, "case {i}");
    }
}

#[test]
fn a_booking_is_in_the_way_from_setup_to_teardown() {
    // The event: 10:30–18:30 UTC; make-up starts four hours earlier, setup half an hour more.
    for (start, end, busy) in [
        ("05:00", "06:00", false),
        ("05:00", "06:01", true),
        ("12:00", "13:00", true),
        ("18:59", "20:00", true),
        ("19:00", "20:00", false),
    ] {
        let mut artist = vendor("m", "makeup_artist");
        (artist.setup_minutes, artist.teardown_minutes) = (30, 30);
        let mut case = Case::of(&["makeup_artist"]).with([artist]);
        let at = |time: &str| format!("2027-02-20T{time}:00Z").parse().unwrap();
        let window = Window { start: at(start), end: at(end) };
        case.vendors[0].busy = vec![BookedSlot { slot: 1, window }];
        assert_eq!(check(&case) == Some(Violation::Booked), busy, "{start}–{end}");
    }
}

/// Saturday 20 February 2027 in Kolkata; closed on the weekday given.
#[test]
fn every_local_day_on_the_spot_counts() {
    // Start, hours, setup, teardown (minutes), the day that it is closed on, whether it is out.
    for (start, hours, setup, teardown, closed, is_out) in [
        (10, 30, 0, 0, "sunday", true),
        (10, 30, 0, 0, "saturday", true),
        (10, 30, 0, 0, "monday", false),
        (10, 30, 0, 0, "friday", false),
        (10, 14, 0, 0, "sunday", false),
        (10, 14, 0, 1, "sunday", true),
        (20, 6, 0, 0, "sunday", true),
        (20, 4, 0, 0, "sunday", false),
        (20, 4, 0, 0, "saturday", true),
        (1, 4, 120, 0, "friday", true),
        (1, 4, 60, 0, "friday", false),
        (10, 72, 0, 0, "monday", true),
        (10, 72, 0, 0, "tuesday", true),
        (10, 72, 0, 0, "wednesday", false),
        (0, 72, 0, 0, "tuesday", false),
        (0, 72, 2_880, 0, "thursday", true),
    ] {
        let mut florist = vendor("f", "florist");
        florist.closed_weekdays = vec![closed.parse().unwrap()];
        (florist.setup_minutes, florist.teardown_minutes) = (setup, teardown);
        let mut case = Case::of(&["florist"]).with([florist]);
        case.request.time.start = civil::time(start, 0, 0, 0);
        case.request.time.minutes = hours * 60;
        let expected = is_out.then_some(Violation::ClosedWeekday);
        assert_eq!(check(&case), expected, "{start}:00, {hours} h, closed on {closed}");
        // The same day as a date.
        let day = LocalDays { first: civil::date(2027, 2, 18), last: civil::date(2027, 2, 24) };
        let vendor = &mut case.vendors[0].vendor;
        let weekday = std::mem::take(&mut vendor.closed_weekdays)[0];
        vendor.blackout_dates = day.iter().filter(|d| d.weekday() == weekday.0).collect();
        let expected = is_out.then_some(Violation::Blackout);
        assert_eq!(check(&case), expected, "{start}:00, {hours} h, away on {closed}");
    }
}

#[test]
fn make_up_begins_the_day_before() {
    let mut artist = vendor("m", "makeup_artist");
    artist.closed_weekdays = vec!["friday".parse().unwrap()];
    let mut case = Case::of(&["makeup_artist"]).with([artist]);
    // Its lead is four hours.
    for (hour, expected) in [(4, None), (3, Some(Violation::ClosedWeekday))] {
        case.request.time.start = civil::time(hour, 0, 0, 0);
        assert_eq!(check(&case), expected, "{hour}");
    }
}

#[test]
fn each_function_counts_and_the_days_between_them_do_not() {
    let function = |name: &str, day: i8, services: &[&str]| Function {
        name: name.into(),
        event_type: EventType::Wedding,
        time: EventTime {
            date: civil::date(2027, 2, day),
            start: civil::time(18, 0, 0, 0),
            time_zone: "Asia/Kolkata".into(),
            minutes: 240,
        },
        guests: 100,
        services: services.iter().map(|&name| name.into()).collect(),
        anchors: vec![],
    };
    let (both, one) = (&["florist", "venue"][..], &["venue"][..]);
    for (closed, services, expected) in [
        ("saturday", both, Some(Violation::ClosedWeekday)),
        ("monday", both, Some(Violation::ClosedWeekday)),
        ("sunday", both, None),
        ("monday", one, None),
    ] {
        let mut florist = vendor("f", "florist");
        florist.closed_weekdays = vec![closed.parse().unwrap()];
        let mut case = Case::of(&["florist"]).with([florist]);
        case.request.functions =
            vec![function("Dinner", 20, both), function("Brunch", 22, services)];
        assert_eq!(check(&case), expected, "{closed} {services:?}");
    }
}

#[test]
fn a_slot_is_free_over_all_of_the_event_or_not_at_all() {
    let at = |time: &str| format!("2027-02-20T{time}:00Z").parse().unwrap();
    let book =
        |slot, start, end| BookedSlot { slot, window: Window { start: at(start), end: at(end) } };
    // The event: 10:30–18:30 UTC. Two bookings that never run at the same time take both crews.
    for (bookings, crews, is_out) in [
        (vec![book(1, "09:00", "11:00")], 1, true),
        (vec![book(1, "09:00", "11:00")], 2, false),
        (vec![book(1, "09:00", "11:00"), book(2, "15:00", "16:00")], 2, true),
        (vec![book(1, "09:00", "11:00"), book(1, "15:00", "16:00")], 2, false),
        (vec![book(1, "09:00", "11:00"), book(2, "15:00", "16:00")], 3, false),
    ] {
        let mut florist = vendor("f", "florist");
        florist.parallel_events = crews;
        let mut case = Case::of(&["florist"]).with([florist]);
        case.vendors[0].busy = bookings;
        assert_eq!(check(&case) == Some(Violation::Booked), is_out, "{:?}", case.vendors[0].busy);
    }
}

#[test]
fn a_city_without_areas_is_reached_at_its_own_centre() {
    let mut florist = vendor("f", "florist");
    florist.city = "Mysuru".into();
    florist.location = Some(GeoPoint { lat: 12.3, lon: 77.6 });
    florist.service_radius_km = Some(112.0);
    let mut case = Case::of(&["florist"]).with([florist]);
    case.request.city = "Hosur".into();
    assert_eq!(check(&case), Some(Violation::City), "nothing is known of the city");
    let hosur = |lat| [("Hosur".to_owned(), GeoPoint { lat, lon: 77.6 })];
    case.areas = case.areas.with_cities(hosur(13.3));
    assert_eq!(check(&case), None);
    case.areas = case.areas.with_cities(hosur(13.4));
    assert_eq!(check(&case), Some(Violation::City));
}

#[test]
fn diets_are_served_by_tag_or_vegetarian_by_price_line() {
    let veg_line = meal(MealOption::Veg, 10);
    let meat_line = meal(MealOption::NonVeg, 10);
    let none: Vec<PriceLine> = vec![];
    for (needs, tags, lines, unserved) in [
        (&[][..], &[][..], &none, &[][..]),
        (&["halal"], &["Halal"], &none, &[]),
        (&["gluten-free"], &["gluten free"], &none, &[]),
        (&["halal", "jain"], &["halal"], &vec![veg_line.clone()], &[1]),
        (&["vegetarian"], &[], &vec![veg_line.clone()], &[]),
        (&["halal", "vegetarian"], &[], &none, &[0, 1]),
        (&["vegan"], &[], &vec![veg_line.clone()], &[0]),
        (&["halal", "jain"], &["halal", "jain"], &vec![meat_line.clone()], &[1]),
        (&["jain"], &["jain"], &vec![meat_line, veg_line], &[]),
    ] {
        let mut caterer = vendor("c", "caterer");
        caterer.tags = tags.iter().map(|&tag| tag.into()).collect();
        caterer.pricing.extend(lines.clone());
        let mut case = Case::of(&["caterer"]);
        case.request.preferences.dietary = needs.iter().map(|&need| need.into()).collect();
        let input = case.input();
        let rules = Rules::new(&input, &AreaTable::new(input.areas));
        let expected = unserved.iter().map(|&i| ViolationSet::diet(i));
        let expected = expected.fold(ViolationSet::NOTHING, ViolationSet::and);
        assert_eq!(rules.unserved_diets(&caterer, Scope::Whole), expected, "{needs:?}");
        assert_eq!(expected.first().is_some(), !unserved.is_empty());
    }
}
