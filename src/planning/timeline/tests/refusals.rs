//! Whose vendors a clash rests on, and which are refused whoever else is engaged.

use super::*;

/// The categories of the first severe conflict.
fn places_of(request: &Request, vendors: &[Vendor]) -> Option<Vec<String>> {
    let timeline = run(request, vendors);
    let high = timeline.conflicts.iter().find(|c| c.severity == Severity::High)?;
    Some(high.places.iter().map(ToString::to_string).collect())
}

fn hours(vendors: &mut [Vendor], from: i8, until: i8) {
    let time = |hour| Some(civil::time(hour, 0, 0, 0));
    change(vendors, "venue", |venue| {
        let hours =
            Policies { open_from: time(from), open_until: time(until), ..Policies::default() };
        venue.policies = Some(hours);
    });
}

/// Changes the vendors of an event.
type Edit = fn(&mut [Vendor]);

#[test]
fn a_conflict_names_the_places_that_its_chain_rests_on() {
    let cases: [(&[Anchor], Edit, Option<&[&str]>); 9] = [
        (&[], |_| (), None),
        (&[anchor("fireworks", 3, 0)], |_| (), Some(&[])),
        (&[anchor("fireworks", 21, 0), anchor("speech", 21, 0)], |_| (), Some(&[])),
        (&[], |v| hours(v, 8, 23), Some(&["venue"])),
        (&[], |v| hours(v, 8, 0), Some(&["venue", "decorator"])),
        (&[], |v| change(v, "venue", |v| v.max_hours = Some(6.0)), Some(&["venue"])),
        (&[], |v| change(v, "music", |v| v.max_hours = Some(0.25)), Some(&["music"])),
        (&[anchor("dancing", 22, 50)], |v| music_until(v, 23), Some(&["venue"])),
        (
            &[anchor("ceremony", 17, 0), anchor("cake", 21, 30)],
            |v| change(v, "photographer", |v| v.max_hours = Some(3.0)),
            Some(&["photographer"]),
        ),
    ];
    for (i, (anchors, edit, expected)) in cases.into_iter().enumerate() {
        let mut request = wedding();
        request.anchors = anchors.to_vec();
        let mut vendors = vendors(&CATEGORIES);
        edit(&mut vendors);
        let places = places_of(&request, &vendors);
        let places = places.as_ref().map(|p| p.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(places.as_deref(), expected, "case {i}");
    }
}
