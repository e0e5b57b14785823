//! Plans as people read them.

use super::{Look, Table, table::clean};
use model::{
    Basis, Category, ChosenVendor, Currency, EventTime, Infeasibility, PlanOption, PlanState,
    coming_twice, grouped,
};
use wire::{EventFacts, PlanSummary, PlanView};

/// Stands where there is nothing.
const NONE: &str = "–";

/// The options side by side: a row per category, then what each costs and is worth.
pub(crate) fn options_table(plan: &PlanView, look: Look) -> String {
    let title = |option: &PlanOption| {
        let mark = if plan.selected == Some(option.number) { " (selected)" } else { "" };
        format!("option {}{mark}", option.number)
    };
    let headers = std::iter::once(String::new()).chain(plan.options.iter().map(title));
    let mut table = Table::new(headers);
    let mut line = |name: String, cell: &dyn Fn(&PlanOption) -> String| {
        table.row(std::iter::once(name).chain(plan.options.iter().map(cell)));
    };
    for category in categories(plan) {
        line(category.to_string(), &|option| vendor_cell(option, &category));
    }
    line("total".into(), &|option| format!("{} {}", option.total, plan.currency));
    line("fitness".into(), &|option| format!("{:.4}", option.fitness));
    line("gap to the bound".into(), &|option| {
        plan.best_possible.map_or_else(|| NONE.into(), |b| format!("{:.4}", b - option.fitness))
    });
    line("budget fit".into(), &|option| format!("{:.4}", option.budget_fit));
    line("preference fit".into(), &|option| format!("{:.4}", option.preference_fit));
    line("compatibility".into(), &|option| format!("{:.4}", option.compatibility));
    line("strategy".into(), &|option| option.strategy.to_string());
    if plan.options.iter().any(|option| !option.best_at.is_empty()) {
        line("best at".into(), &|option| match option.best_at.is_empty() {
            true => NONE.into(),
            false => option.best_at.join(", "),
        });
    }
    line("differs from 1 in".into(), &|option| match option.differs_in {
        0 => NONE.into(),
        places => format!("{places} places"),
    });
    table.render(look)
}

/// A plan, and what to do next.
pub fn plan_text(plan: &PlanView, look: Look) -> String {
    plan_facts(plan, look) + &next_step(plan)
}

/// A plan: what it is about, its options, how the search ended, what to know.
pub fn plan_facts(plan: &PlanView, look: Look) -> String {
    let event = &plan.event;
    let mut text = format!(
        "plan {}\n{} in {} on {} at {} ({}), {} h, {} guests, budget {} {}\nstate: {}\n",
        plan.id,
        event.event_type,
        clean(&event.city),
        event.date,
        start_text(event),
        event.time_zone,
        event.hours,
        event.guests,
        event.budget.amount,
        event.budget.currency,
        plan.state,
    );
    for function in &event.functions {
        text.push_str(&format!(
            "  {}: {} at {}, {} h, {} guests\n",
            clean(&function.name),
            function.time.date,
            function.time.start,
            f64::from(function.time.minutes) / 60.0,
            function.guests,
        ));
    }
    if let Some(successor) = plan.successor {
        text.push_str(&format!("superseded by {successor}\n"));
    }
    if let Some(error) = &plan.error {
        text.push_str(&format!("error: {}\n", clean(error)));
    }
    if !plan.options.is_empty() {
        text.push('\n');
        text.push_str(&options_table(plan, look));
        text.push_str(&search_line(plan));
        if let Some(earlier) = plan.replans {
            text.push_str(&format!("replans {earlier}\n"));
        }
        plan.options.iter().for_each(|option| text.push_str(&hours_lines(option, plan.currency)));
        for option in &plan.options {
            for remark in &option.remarks {
                text.push_str(&format!("option {}: {}\n", option.number, clean(remark)));
            }
        }
    }
    if let Some(why) = &plan.infeasibility {
        text.push_str(&infeasibility_text(why));
    }
    for note in &plan.notes {
        text.push_str(&format!("note: {}\n", clean(&note.message)));
    }
    text
}

/// Why a request can't be met, and the ways out; nothing stands over an empty list.
fn infeasibility_text(why: &Infeasibility) -> String {
    let list = |heading: &str, lines: &mut dyn Iterator<Item = &String>| {
        let lines: String = lines.map(|line| format!("  - {}\n", clean(line))).collect();
        if lines.is_empty() { lines } else { format!("{heading}:\n{lines}") }
    };
    let mut text = format!("\n{}", list("these can't hold together", &mut why.conflicts.iter()));
    let mut ways = why.relaxations.iter().map(|way| &way.advice);
    text += &list("each of these alone is enough", &mut ways);
    if let Some(none) = &why.no_way_out {
        text += &format!("{}\n", clean(&none.statement));
    }
    text
}

/// The number of guests, of each function too where there are any; nothing for a plan that
/// replans none.
pub fn guests_text(plan: &PlanView) -> String {
    if plan.replans.is_none() {
        return String::new();
    }
    let mut text = format!("guests: {}\n", plan.event.guests);
    for function in &plan.event.functions {
        text.push_str(&format!("  {}: {}\n", clean(&function.name), function.guests));
    }
    text
}

/// The time of day; one that comes twice says which of the two it is.
fn start_text(event: &EventFacts) -> String {
    let time = EventTime {
        date: event.date,
        start: event.start,
        time_zone: event.time_zone.clone(),
        minutes: 0,
    };
    match coming_twice(&time.start_zoned()) {
        Some(name) => format!("{} {name}", event.start),
        None => event.start.to_string(),
    }
}

/// What is billed by the hour: a vendor may work fewer hours than the event lasts.
fn hours_lines(option: &PlanOption, currency: Currency) -> String {
    let lines =
        option.vendors.iter().flat_map(|vendor| vendor.lines.iter().map(move |l| (vendor, l)));
    let hourly = lines.filter(|(_, line)| line.basis == Some(Basis::PerHour));
    hourly
        .map(|(vendor, line)| {
            let each = grouped(line.unit_amount, currency);
            let (number, name, label) = (option.number, clean(&vendor.name), clean(&line.label));
            format!("option {number}: {name}: {label}, {} h × {each}\n", line.quantity)
        })
        .collect()
}

/// A line per plan.
pub fn plan_list(plans: &[PlanSummary], look: Look) -> String {
    let headers = ["id", "state", "event", "date", "city", "guests", "budget", "total", "fitness"];
    let mut table = Table::new(headers).right([5, 6, 7, 8]);
    for plan in plans {
        table.row([
            plan.id.to_string(),
            plan.state.to_string(),
            plan.event_type.to_string(),
            plan.date.to_string(),
            plan.city.clone(),
            plan.guests.to_string(),
            format!("{} {}", plan.budget.amount, plan.budget.currency),
            plan.total.map_or_else(|| NONE.into(), |total| total.to_string()),
            plan.fitness.map_or_else(|| NONE.into(), |fitness| format!("{fitness:.4}")),
        ]);
    }
    table.render(look)
}

/// How good the options are for certain, and why the search ended.
fn search_line(plan: &PlanView) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| NONE.into(), |v| format!("{v:.4}"));
    let count = |value: Option<u64>| value.map_or_else(|| NONE.into(), |v| v.to_string());
    let stopped = plan.stopped_because.map_or(NONE, |reason| reason.as_str());
    let cut_short = if plan.cut_short == Some(true) { " (the proof was cut short)" } else { "" };
    format!(
        "best possible {}, proven gap {}; stopped: {stopped}{cut_short} after {} rounds, \
         {} combinations scored\n",
        number(plan.best_possible),
        number(plan.proven_gap),
        count(plan.rounds.map(u64::from)),
        count(plan.combinations_scored),
    )
}

fn next_step(plan: &PlanView) -> String {
    let id = plan.id;
    match plan.state {
        PlanState::AwaitingSelection => {
            format!("\nnext: eventplannerctl plan select {id} NUMBER\n")
        }
        PlanState::Completed if plan.documents.is_empty() => String::new(),
        PlanState::Completed => format!(
            "\ndocuments: {}\nnext: eventplannerctl plan documents {id} --output DIR\n",
            plan.documents.join(", ")
        ),
        PlanState::Queued | PlanState::Running | PlanState::Writing => {
            format!("\nnext: eventplannerctl plan watch {id}\n")
        }
        PlanState::Superseded => plan.successor.map_or_else(String::new, |successor| {
            format!("\nnext: eventplannerctl plan show {successor}\n")
        }),
        PlanState::Failed | PlanState::Infeasible | PlanState::Cancelled => String::new(),
    }
}

/// Every category that an option fills, in the order of the option that fills most.
fn categories(plan: &PlanView) -> Vec<Category> {
    let mut all: Vec<Category> = Vec::new();
    let longest = plan.options.iter().max_by_key(|option| option.vendors.len());
    for option in longest.into_iter().chain(&plan.options) {
        for vendor in &option.vendors {
            if !all.contains(&vendor.category) {
                all.push(vendor.category.clone());
            }
        }
    }
    all
}

fn vendor_cell(option: &PlanOption, category: &Category) -> String {
    let describe = |vendor: &ChosenVendor| {
        let kitchen = if vendor.in_house { ", own kitchen" } else { "" };
        format!("{} ({}{kitchen})", vendor.name, vendor.quote)
    };
    let found = option.vendors.iter().find(|vendor| &vendor.category == category);
    found.map_or_else(|| NONE.into(), describe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{NoWayOut, Relaxation};

    #[test]
    fn a_plan_reads_from_its_json_and_shows_what_matters() {
        let plan: PlanView = serde_json::from_str(EXAMPLE).unwrap();
        let text = plan_text(&plan, Look::PLAIN);
        for wanted in
            ["Lotus Hall (300000.00)", "own kitchen", "0.0100", "proven_optimal", "plan select"]
        {
            assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
        }
        // What `plan show --json` prints is the same text again.
        let printed = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<PlanView>(&printed).unwrap(), plan);
    }

    #[test]
    fn no_heading_stands_over_an_empty_list() {
        let words = |conflicts: &[&str], ways: &[&str], none: Option<&str>| {
            let way = |advice: &&str| Relaxation {
                field: "guests".into(),
                advice: (*advice).to_owned(),
                value: "1".into(),
            };
            infeasibility_text(&Infeasibility {
                conflicts: conflicts.iter().map(|&text| text.to_owned()).collect(),
                relaxations: ways.iter().map(way).collect(),
                no_way_out: none.map(|statement| NoWayOut {
                    statement: statement.into(),
                    tried: vec!["the budget".into()],
                    tried_all: true,
                }),
            })
        };
        let both = "\nthese can't hold together:\n  - a\neach of these alone is enough:\n  - b\n";
        assert_eq!(words(&["a"], &["b"], None), both);
        let none = "\nthese can't hold together:\n  - a\nno change helps\n";
        assert_eq!(words(&["a"], &[], Some("no change helps")), none);
        assert_eq!(words(&[], &[], None), "\n");
    }

    const EXAMPLE: &str = r#"{
        "id": "0190b2c4-6f3e-7000-8000-000000000001", "state": "awaiting_selection",
        "plan_digest": "ab", "rounds": 3, "combinations_scored": 120,
        "best_possible": 0.91, "proven_gap": 0.01, "stopped_because": "proven_optimal",
        "cut_short": false, "selected": null, "currency": "INR",
        "options": [{"number": 1, "total": "500000.00", "fitness": 0.9, "strategy": "balanced",
            "budget_fit": 1.0, "preference_fit": 0.8, "compatibility": 0.9, "differs_in": 0,
            "remarks": [], "vendors": [
                {"category": "venue", "id": "v1", "name": "Lotus Hall", "quote": "300000.00",
                 "lines": [], "service_charge": "0.00", "tax": "0.00"},
                {"category": "caterer", "id": "v1", "name": "Lotus Hall", "quote": "200000.00",
                 "lines": [], "service_charge": "0.00", "tax": "0.00", "in_house": true}]}],
        "event": {"event_type": "wedding", "date": "2027-02-14", "start": "18:00:00",
            "time_zone": "Asia/Kolkata", "hours": 6.0, "city": "Bengaluru", "guests": 200,
            "budget": {"amount": "800000.00", "currency": "INR"}, "contingency_percent": 5,
            "services": ["venue", "caterer"], "seed": 0},
        "shares": [], "requirements": null, "agents": [], "notes": [], "infeasibility": null,
        "error": null, "documents": [],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}"#;
}
