//! Any timeline keeps the rules, or says why not.

use proptest::prelude::*;

use crate::timeline::{refusals::alike::Sight, tests::*};

fn any_request() -> impl Strategy<Value = Request> {
    let event_type = prop::sample::select(vec![
        EventType::Wedding,
        EventType::Birthday,
        EventType::Corporate,
        EventType::Gala,
        EventType::Other,
    ]);
    let names = prop::sample::select(vec![
        "ceremony",
        "dinner",
        "dancing",
        "fireworks",
        "keynote",
        "getting_ready",
        "cake",
        "coffee",
    ]);
    let anchors = prop::collection::vec((names, 0_i8..24, 0_i8..60), 0..3);
    (event_type, 0_i8..24, 30_u32..1_440, anchors, 1_u32..2_000).prop_map(
        |(event_type, hour, minutes, anchors, guests)| {
            let mut made = request(event_type, civil::time(hour, 15, 0, 0), minutes);
            made.anchors = anchors.into_iter().map(|(n, h, m)| anchor(n, h, m)).collect();
            made.guests = guests;
            made
        },
    )
}

fn any_vendors() -> impl Strategy<Value = Vec<Vendor>> {
    let extras = prop::sample::subsequence(CATEGORIES[1..].to_vec(), 0..CATEGORIES.len());
    let limits = prop::collection::vec(prop::option::of(0.5_f64..14.0), CATEGORIES.len());
    (extras, limits, prop::option::of(0_i8..24)).prop_map(|(extras, limits, until)| {
        let mut made = vendors(&[&["venue"], &extras[..]].concat());
        for (vendor, hours) in made.iter_mut().skip(1).zip(limits) {
            vendor.max_hours = hours;
        }
        if let Some(hour) = until {
            music_until(&mut made, hour);
        }
        made
    })
}

proptest! {
    #[test]
    fn any_timeline_keeps_the_rules_or_says_why_not(
        request in any_request(), vendors in any_vendors(),
    ) {
        let timeline = run(&request, &vendors);
        prop_assert_eq!(&run(&request, &vendors), &timeline);
        for conflict in &timeline.conflicts {
            prop_assert!(!conflict.message.is_empty() && !conflict.chain.is_empty());
        }
        if timeline.has_high() {
            return Ok(());
        }
        check_rules(&request, &vendors, &timeline);
        // Every anchor stands in the run of show at its time.
        for anchor in &request.anchors {
            let at = |activity: &Activity| {
                activity.start.to_zoned(request.time.zone()).time() == anchor.at
            };
            prop_assert!(timeline.activities.iter().any(at), "{anchor:?}");
        }
    }
}

proptest! {
    /// Whoever looks alike to the scheduler is judged alike, whatever else it is.
    #[test]
    fn vendors_with_equal_traits_are_judged_alike(
        mut request in any_request(), mut vendors in any_vendors(), opens in any::<bool>(),
        place in prop::option::of(-1.0_f64..1.0), km in prop::option::of(0.0_f64..900.0),
    ) {
        if opens {
            let policies = vendors[0].policies.get_or_insert_default();
            policies.open_from = Some(civil::time(8, 0, 0, 0));
        }
        let at = |lat| GeoPoint { lat, lon: 76.0 };
        request.anchors.iter_mut().for_each(|anchor| anchor.location = place.map(at));
        let mut others = vendors.clone();
        for other in &mut others {
            other.id = VendorId::new(format!("other {}", other.id));
            (other.name, other.lead_days, other.rating) = ("Another".into(), 9, Some(4.0));
            (other.setup_minutes, other.teardown_minutes) = (other.setup_minutes + 60, 0);
            other.location = km.map(|km| at(9.0 + km / 111.0));
        }
        let sight = Sight::of(&request, vendors[..1].iter().chain(&others[..1]));
        let traits = |vendor: &Vendor| {
            let category = &vendor.category;
            sight.traits(&Engagement { category, vendor, in_house: false })
        };
        if vendors.iter().map(traits).eq(others.iter().map(traits)) {
            let (one, other) = (run(&request, &vendors), run(&request, &others));
            prop_assert_eq!(one.has_high(), other.has_high());
        }
    }
}
