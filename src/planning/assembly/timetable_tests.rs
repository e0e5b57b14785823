//! What a refusal is generalised to, held against the scheduler: all that is cut is refused.

use jiff::civil;

use crate::{
    assembly::{assemble, timetable::*},
    certificate::solution,
    dice::Dice,
    samples::{Case, vendor, venue},
    search::Search,
    settings::SearchSettings,
};
use model::{Anchor, CateringPolicy, Function, Vendor};

impl Dice {
    fn hour(&mut self, n: u64) -> Option<civil::Time> {
        self.one_in(n).then(|| civil::time(self.below(24) as i8, 0, 0, 0))
    }

    fn vendor(&mut self, category: &str, i: usize) -> Vendor {
        let id = format!("{category}{i}");
        let policies = [CateringPolicy::Outside, CateringPolicy::Both, CateringPolicy::InHouse];
        let mut made = match category {
            "venue" => venue(&id, policies[self.below(3) as usize]),
            _ => vendor(&id, category),
        };
        if let Some(policies) = &mut made.policies {
            policies.open_from = self.hour(5);
            policies.open_until = self.hour(4);
            policies.music_until = self.hour(3);
        }
        made.setup_minutes = 30 * self.below(3) as u32;
        made.teardown_minutes = 30 * self.below(3) as u32;
        made.rating = Some(self.below(50) as f64 / 10.0);
        let hours = [0.75, 1.0, 2.0, 4.0, 9.0];
        made.max_hours = self.one_in(2).then(|| hours[self.below(5) as usize]);
        made.max_hours = made.max_hours.filter(|_| category != "venue");
        made
    }

    fn case(&mut self) -> Case {
        let names = ["venue", "caterer", "photographer", "music", "decorator"];
        let mut vendors = Vec::new();
        for name in names {
            vendors.extend((0..2 + self.below(4) as usize).map(|i| self.vendor(name, i)));
        }
        let mut case = Case::of(&names).with(vendors);
        case.request.time.minutes = 180 + 60 * self.below(8) as u32;
        for service in case.request.services.values_mut() {
            service.required = !self.one_in(4);
        }
        let activities = ["ceremony", "dinner", "cake", "dancing", "speech"];
        for activity in activities {
            let at = self.hour(5);
            let anchor = |at| Anchor { activity: activity.into(), at, location: None };
            case.request.anchors.extend(at.map(anchor));
        }
        if self.one_in(3) {
            case.request.anchors.clear();
            for (name, later) in [("A", 0), ("B", 1 + self.below(6) as i8)] {
                let mut time = case.request.time.clone();
                time.start = civil::time(10 + later, 0, 0, 0);
                time.minutes = 180;
                let all: Vec<_> = case.request.services.keys().cloned().collect();
                let own = all.into_iter().filter(|_| !self.one_in(3));
                case.request.functions.push(Function {
                    name: name.into(),
                    event_type: case.request.event_type,
                    time,
                    guests: 80,
                    services: own.collect(),
                    anchors: Vec::new(),
                });
            }
        }
        case
    }
}

/// Every combination in which each place is filled once.
fn combinations(assembly: &Assembly<'_>) -> Vec<Combination> {
    let problem = &assembly.problem;
    let mut all: Vec<Combination> = vec![Vec::new()];
    for category in &problem.categories {
        let choices: Vec<_> = category.candidates.indices().map(Some).chain([None]).collect();
        let longer = |chosen: &Combination, own: Option<CandidateIndex>| {
            let mut chosen = chosen.clone();
            chosen.push(own);
            chosen
        };
        all = all.iter().flat_map(|c| choices.iter().map(move |own| longer(c, *own))).collect();
    }
    let scorer = crate::problem::score::Scorer::new(problem);
    all.retain(|chosen| {
        scorer.occupants(chosen).is_some_and(|places| places.iter().all(Option::is_some))
    });
    all
}

#[test]
fn what_is_cut_is_refused_and_the_search_is_exact() {
    let settings = SearchSettings { proof_nodes: u64::MAX, ..SearchSettings::default() };
    let (mut refused, mut cuts, mut met) = (0_usize, 0_usize, 0);
    for seed in 0..600 {
        let case = Dice(seed).case();
        let input = case.input();
        let assembly = assemble(&input, &settings);
        let is_high = |chosen: &Combination| {
            let engagements = assembly.engagements(chosen);
            timeline::schedule(&case.request, &case.categories, &engagements).has_high()
        };
        let mut timetable = Timetable::new(&assembly);
        let mut search = Search::new(&assembly.problem, &settings, 0);
        let accept = &mut |chosen: &Combination| timetable.verdict(chosen);
        while search.round(accept).stopped.is_none() {}
        search.prove(accept, &mut || None);
        let outcome = search.finish();
        let all = combinations(&assembly);
        for chosen in &all {
            let high = is_high(chosen);
            refused += usize::from(high);
            if timetable.known().iter().any(|nogood| nogood.cuts(chosen)) {
                cuts += 1;
                assert!(high, "seed {seed}: {chosen:?} is cut and not refused");
            }
            let verdict = timetable.verdict(chosen);
            assert_eq!(verdict == Verdict::Accepted, !high, "seed {seed}");
            if let Verdict::Cut(nogoods) = verdict {
                assert!(nogoods.iter().any(|nogood| nogood.cuts(chosen)), "seed {seed}");
            }
        }
        // With all that was learned on the way.
        for chosen in all.iter().filter(|chosen| !is_high(chosen)) {
            assert!(!timetable.known().iter().any(|n| n.cuts(chosen)), "seed {seed}");
        }
        let scorer = crate::problem::score::Scorer::new(&assembly.problem);
        let open = all.iter().filter(|chosen| !is_high(chosen));
        let mut open: Vec<_> = open.filter_map(|chosen| scorer.solution(chosen)).collect();
        open.sort_by(|a, b| scorer.compare(a, b));
        assert_eq!(outcome.options.first(), open.first(), "seed {seed}");
        outcome.options.iter().for_each(|o| solution::check(&assembly.problem, o).unwrap());
        met += usize::from(!open.is_empty());
    }
    assert!(refused > 1_000 && cuts > 1_000 && met > 30, "{refused} {cuts} {met}");
}
