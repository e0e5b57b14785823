//! Lab version.
mod synthetic;
use std::time::Instant;
use eventplanner::planning::search::Search;
use eventplanner::planning::settings::SearchSettings;
use synthetic::{Shape, event};

fn main() {
    let sizes: Vec<usize> = std::env::var("SIZES").map(|s| s.split(',').map(|x| x.parse().unwrap()).collect()).unwrap_or(vec![100, 1000, 10_000]);
    let seeds: u64 = std::env::var("SEEDS").map(|s| s.parse().unwrap()).unwrap_or(3);
    let strategies: usize = std::env::var("STRATS").map(|s| s.parse().unwrap()).unwrap_or(1);
    let in_house: f64 = std::env::var("INHOUSE").map(|s| s.parse().unwrap()).unwrap_or(0.0);
    let tights: Vec<f64> = std::env::var("TIGHT").map(|s| s.split(',').map(|x| x.parse().unwrap()).collect()).unwrap_or(vec![0.6, 1.0, 1.6]);
    for &size in &sizes {
        for &tight in &tights {
            for seed in 0..seeds {
                let problem = event(Shape { strategies, in_house, ..Shape::of(size, tight) }, seed);
                let settings = SearchSettings::default();
                let t0 = Instant::now();
                let mut search = Search::new(&problem, &settings, 0);
                let t1 = Instant::now();
                let mut p; 
                loop { p = search.round(&mut |_| true); if p.stopped.is_some() { break } }
                let t2 = Instant::now();
                search.prove(&mut |_| true, &mut || None);
                let t3 = Instant::now();
                let o = search.finish();
                let ms = |a: Instant, b: Instant| (b - a).as_secs_f64() * 1e3;
                println!("{size:>8} {tight} {seed} new {:8.2} rounds {:8.2} ({}, {:?}, {} scored) prove {:8.2} | beam {:.6} best {:.6} bound0 {:.6} gap {:.6} {:?} {} values {:?}",
                    ms(t0,t1), ms(t1,t2), o.rounds, p.stopped, o.combinations_scored, ms(t2,t3), p.best.unwrap_or(0.0), o.options.first().map_or(0.0, |x| x.value), p.bound, o.proven_gap, o.stopped_because, o.options_proven, o.options.iter().map(|x| (x.value*1e6).round()/1e6).collect::<Vec<_>>());
            }
        }
    }
}
