//! Vendors as people read them.

use super::{Look, Table};
use model::{PriceLine, Vendor};
use wire::{DatabaseUse, ImportReport, VendorStats};

pub fn vendor_list(vendors: &[Vendor], look: Look) -> String {
    let headers = ["id", "category", "name", "city", "area", "rating", "guests", "prices"];
    let mut table = Table::new(headers).right([5, 6]);
    for vendor in vendors {
        let guests = vendor.capacity.map_or_else(String::new, |capacity| {
            let end = |bound: Option<u32>| bound.map_or_else(String::new, |n| n.to_string());
            format!("{}–{}", end(capacity.min), end(capacity.max))
        });
        table.row([
            vendor.id.to_string(),
            vendor.category.to_string(),
            vendor.name.clone(),
            vendor.city.clone(),
            vendor.area.clone().unwrap_or_default(),
            vendor.rating.map_or_else(String::new, |rating| format!("{rating:.1}")),
            guests,
            vendor.pricing.iter().map(price).collect::<Vec<_>>().join(", "),
        ]);
    }
    table.render(look)
}

/// A row per city, a column per category.
pub fn vendor_stats(stats: &VendorStats, look: Look) -> String {
    let mut categories = Vec::new();
    let mut cities = Vec::new();
    for count in &stats.counts {
        if !categories.contains(&&count.category) {
            categories.push(&count.category);
        }
        if !cities.contains(&&count.city) {
            cities.push(&count.city);
        }
    }
    cities.sort();
    let headers = std::iter::once("city").chain(categories.iter().map(|c| c.as_str()));
    let mut table = Table::new(headers).right(1..=categories.len());
    for city in cities {
        let counts = categories.iter().map(|category| {
            let here = stats.counts.iter().filter(|c| &c.city == city && &&c.category == category);
            here.map(|count| count.vendors).sum::<u64>().to_string()
        });
        table.row(std::iter::once(city.clone()).chain(counts));
    }
    let mut text = format!("{}{} vendors\n", table.render(look), stats.total);
    text.push_str(&database_use(&stats.database));
    text
}

fn database_use(used: &DatabaseUse) -> String {
    let measured = |value: Option<f64>, unit: &str| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1} {unit}"))
    };
    let mut text = format!(
        "queries: {}, mean {}, 99th percentile {}\n\
         query cache: {} hits, {} entries\n\
         connections: {} of {} in use, {} open, {} callers waiting, {} errors\n",
        used.queries,
        measured(used.query_mean_ms, "ms"),
        measured(used.query_p99_ms, "ms"),
        measured(used.query_cache_hit_percent, "%"),
        used.query_cache_entries,
        used.connections_in_use,
        used.connections_limit,
        used.connections_open,
        used.callers_waiting,
        used.connection_errors,
    );
    if !used.unused_indexes.is_empty() {
        text.push_str(&format!("indexes not used yet: {}\n", used.unused_indexes.join(", ")));
    }
    for (statement, mean_ms) in used.slow_statements.iter().flatten() {
        text.push_str(&format!("slow statement: {mean_ms:.1} ms: {statement}\n"));
    }
    text
}

pub fn import_text(report: &ImportReport) -> String {
    let mut text = format!(
        "{} vendors inserted, {} updated, {} rows skipped\n",
        report.inserted, report.updated, report.skipped
    );
    for refusal in &report.errors {
        text.push_str(&format!("skipped {refusal}\n"));
    }
    text
}

/// `1200.00 INR per guest`.
fn price(line: &PriceLine) -> String {
    use model::Basis;
    let basis = match line.basis {
        Basis::Flat => "",
        Basis::PerGuest => " per guest",
        Basis::PerHour => " per hour",
        Basis::PerRoom => " per room",
        Basis::PerPerson => " per person",
    };
    format!("{} {}{basis}", line.amount, line.currency)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::VendorCount;

    #[test]
    fn counts_stand_by_city_and_category() {
        let count = |category: &str, city: &str, vendors| VendorCount {
            category: category.into(),
            city: city.into(),
            vendors,
        };
        let stats = VendorStats {
            total: 7,
            counts: vec![count("venue", "Pune", 4), count("florist", "Goa", 3)],
            database: DatabaseUse { query_mean_ms: Some(1.25), ..DatabaseUse::default() },
        };
        let text = vendor_stats(&stats, Look::PLAIN);
        let counts =
            "city  venue  florist\nGoa       0        3\nPune      4        0\n7 vendors\n";
        assert!(text.starts_with(counts), "{text}");
        assert!(text.contains("queries: 0, mean 1.2 ms, 99th percentile -\n"), "{text}");
    }
}
