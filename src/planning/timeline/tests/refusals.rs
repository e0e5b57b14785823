//! Whose vendors a clash rests on, and which are refused whoever else is engaged.

use proptest::prelude::*;

use crate::{dice::Dice, timeline::tests::*};
use model::{Function, GeoPoint};

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

/// Categories; `None`: nothing is refused.
type Named = Option<&'static [&'static str]>;

/// Changes the vendors of an event.
type Edit = fn(&mut [Vendor]);

#[test]
fn a_conflict_names_the_places_that_its_chain_rests_on() {
    let cases: [(&[Anchor], Edit, Named); 9] = [
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

impl Dice {
    fn time(&mut self) -> civil::Time {
        civil::time(self.below(24) as i8, 15 * self.below(4) as i8, 0, 0)
    }

    fn anchors(&mut self) -> Vec<Anchor> {
        let names = [
            "ceremony",
            "dinner",
            "dancing",
            "cake",
            "fireworks",
            "speech",
            "getting ready",
            "keynote",
            "coffee",
            "programme",
            "farewell",
            "drinks",
        ];
        let anchor = |dice: &mut Self| Anchor {
            activity: names[dice.below(12) as usize].into(),
            at: dice.time(),
            location: dice.one_in(4).then(|| dice.location()),
        };
        (0..self.below(4)).map(|_| anchor(self)).collect()
    }

    fn location(&mut self) -> GeoPoint {
        GeoPoint { lat: 12.9 + self.below(20) as f64 / 400.0, lon: 77.6 }
    }

    fn event_type(&mut self) -> EventType {
        use EventType::{Birthday, Corporate, Gala, Other, Wedding};
        [Wedding, Birthday, Corporate, Gala, Other][self.below(5) as usize]
    }

    fn request(&mut self) -> Request {
        let minutes = 60 + 30 * self.below(22) as u32;
        let start = civil::time(8 + self.below(14) as i8, 0, 0, 0);
        let mut made = request(self.event_type(), start, minutes);
        made.anchors = self.anchors();
        for name in CATEGORIES {
            let service = made.services.get_mut(&Category::new(name)).unwrap();
            service.required = !self.one_in(3);
        }
        for name in CATEGORIES {
            if self.one_in(6) {
                made.services.remove(&Category::new(name));
            }
        }
        if self.one_in(3) {
            made.anchors.clear();
            for name in ["A", "B"] {
                let all: Vec<Category> = made.services.keys().cloned().collect();
                let services = all.into_iter().filter(|_| !self.one_in(4)).collect();
                let time = EventTime {
                    date: civil::date(2027, 5, 21),
                    start: civil::time(8 + self.below(12) as i8, 0, 0, 0),
                    time_zone: "Asia/Kolkata".into(),
                    minutes: 120 + 30 * self.below(10) as u32,
                };
                let anchors = self.anchors();
                let (name, event_type) = (name.into(), self.event_type());
                let own = Function { name, event_type, time, guests: 80, services, anchors };
                made.functions.push(own);
            }
        }
        made
    }

    fn any_vendor(&mut self, category: &str) -> Vendor {
        let mut made = vendor(category);
        made.setup_minutes = 30 * self.below(6) as u32;
        made.teardown_minutes = 30 * self.below(4) as u32;
        made.max_hours = self.one_in(2).then(|| 0.5 + self.below(16) as f64 / 2.0);
        made.location = self.one_in(2).then(|| self.location());
        if category == "venue" {
            made.max_hours = made.max_hours.filter(|_| self.one_in(4));
            let mut hour = |n| self.one_in(n).then(|| self.time());
            made.policies = Some(Policies {
                open_from: hour(4),
                open_until: hour(4),
                music_until: hour(2),
                ..Policies::default()
            });
        }
        made
    }
}

fn engagements(vendors: &[Vendor]) -> Vec<Engagement<'_>> {
    let all = vendors.iter();
    all.map(|vendor| Engagement { category: &vendor.category, vendor, in_house: false }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whoever fills the other places, and whichever of the optional ones stay empty.
    #[test]
    fn what_is_refused_for_sure_is_refused_in_every_company(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        let request = dice.request();
        let wanted: Vec<Category> = request.services.keys().cloned().collect();
        let some = |category: &Category| {
            dice.one_in(2).then(|| dice.any_vendor(category.as_str()))
        };
        let named: Vec<Vendor> = wanted.iter().filter_map(some).collect();
        let engaged = engagements(&named);
        let impossible = impossible(&request, &defs());
        let found = certain_refusal(&request, &defs(), &engaged);
        let places = found.as_ref().and_then(|refusal| refusal.places.clone());
        prop_assert_eq!(found.is_some(), places.is_some());
        for _ in 0..12 {
            let mut company: Vec<Vendor> = Vec::new();
            for category in &wanted {
                let kept = named.iter().find(|vendor| vendor.category == *category);
                match (kept, &places) {
                    (Some(vendor), Some(places)) if places.contains(category) => {
                        company.push(vendor.clone());
                    }
                    _ if request.services[category].required || dice.one_in(2) => {
                        company.push(dice.any_vendor(category.as_str()));
                    }
                    _ => {}
                }
            }
            let all = engagements(&company);
            let timeline = schedule(&request, &defs(), &all);
            if !timeline.has_high() {
                prop_assert!(places.is_none(), "{found:?} {request:#?} {company:#?}");
                prop_assert!(impossible.is_empty(), "{impossible:?} {request:#?} {company:#?}");
            } else {
                prop_assert!(refusal(&request, &defs(), &all).is_some());
            }
        }
    }
}
