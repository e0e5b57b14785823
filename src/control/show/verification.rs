//! The table of `verify optimizations`.

use super::{Look, Table};
use wire::{Mechanism, OptimizationsView};

pub fn optimizations_text(view: &OptimizationsView, look: Look) -> String {
    let headers = ["mechanism", "off", "on", "gain", "promised", "verdict", "samples", "unit"];
    let mut table = Table::new(headers).right([1, 2, 3, 4, 6]);
    for row in &view.mechanisms {
        let promised = row.promised_percent.map(|percent| format!("≥ {percent:.0} %"));
        table.row([
            row.name.clone(),
            figure(row.off),
            figure(row.on),
            row.gain_percent.map_or_else(String::new, |gain| format!("{gain:.1} %")),
            promised.unwrap_or_default(),
            row.verdict.as_str().to_owned(),
            row.samples.to_string(),
            row.unit.clone(),
        ]);
    }
    let note = |row: &Mechanism| Some(format!("{}: {}\n", row.name, row.note.as_ref()?));
    let notes: String = view.mechanisms.iter().filter_map(note).collect();
    format!("{}off and on are medians, taken in turns\n{notes}", table.render(look))
}

fn figure(value: Option<f64>) -> String {
    match value {
        None => String::new(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.3}"),
    }
}
