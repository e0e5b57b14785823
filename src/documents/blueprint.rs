//! Puts a blueprint together and checks that its sums hold.

use std::collections::BTreeMap;

use jiff::{Timestamp, Zoned, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{
    error::DocumentError,
    facts::{
        ActivityRow, Brief, BudgetFacts, CallTimes, EventFacts, FunctionRow, OptionRow,
        OptionVendor, SourceRow,
    },
};
use model::{
    Amount, CalledOff, ChosenVendor, Function, HouseRule, Note, PlanId, PlanOption, Prose, Request,
    SearchSummary, Vendor, Window, clock_changes,
};
use planning::timeline::{Conflict, Timeline, VendorCall};

/// Version of the JSON document's shape.
const FORMAT: &str = "eventplanner-blueprint/1";

/// The finished plan of an event, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Blueprint {
    pub format: String,
    pub plan: PlanId,
    pub generated_at: Timestamp,
    pub event: EventFacts,
    pub budget: BudgetFacts,
    pub prose: Prose,
    /// The chosen option's places, in category order.
    pub vendors: Vec<Brief>,
    pub run_of_show: Vec<ActivityRow>,
    /// A sentence for each clock change that the times above show.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clock_changes: Vec<String>,
    /// What the scheduler warns of.
    pub risks: Vec<Conflict>,
    /// The vendors' own rules, each a sentence.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub rules: Vec<String>,
    pub notes: Vec<Note>,
    /// All options, with the chosen one marked.
    pub options: Vec<OptionRow>,
    /// What the search proved.
    pub proof: SearchSummary,
    pub sources: Vec<SourceRow>,
    /// Nothing of it takes place any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub called_off: Option<CalledOff>,
}

/// What a blueprint is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub plan: PlanId,
    pub request: &'a Request,
    pub options: &'a [PlanOption],
    /// Number of the chosen option.
    pub selected: u32,
    /// At least the records of the chosen option's vendors, in any order.
    pub vendors: &'a [Vendor],
    /// Of the chosen option.
    pub timeline: &'a Timeline,
    pub summary: &'a SearchSummary,
    pub notes: &'a [Note],
    pub prose: &'a Prose,
    pub generated_at: Timestamp,
}

impl Blueprint {
    /// # Errors
    /// The chosen option or a vendor's record is missing, or a total isn't the sum of its lines.
    pub fn new(from: Sources<'_>) -> Result<Self, DocumentError> {
        let number = from.selected;
        let chosen = from.options.iter().find(|option| option.number == number);
        let chosen = chosen.ok_or(DocumentError::NoSuchOption { number })?;
        let zone = from.request.time.zone();
        let mut briefs = Vec::with_capacity(chosen.vendors.len());
        let mut sources: Vec<SourceRow> = Vec::with_capacity(chosen.vendors.len());
        let mut rules = Vec::new();
        for place in &chosen.vendors {
            let record = from.vendors.iter().find(|vendor| vendor.id == place.id);
            let missing = || DocumentError::MissingVendor { vendor: place.id.clone() };
            let record = record.ok_or_else(missing)?;
            briefs.push(brief(place, record, from.timeline, &zone)?);
            if !place.in_house {
                sources.push(source(record));
                rules.extend(rules_in_words(record));
            }
        }
        rules.sort();
        rules.dedup();
        let sum = briefs.iter().map(|brief| brief.total).fold(chosen.total.zero_like(), sum_of);
        balanced(&format!("option {number}"), chosen.total, sum)?;
        Ok(Self {
            format: FORMAT.to_owned(),
            plan: from.plan,
            generated_at: from.generated_at,
            event: event(from.request),
            budget: budget(from.request, chosen.total),
            prose: from.prose.clone(),
            run_of_show: run_of_show(from.timeline, &briefs, &zone),
            clock_changes: clock_changes(told_times(from.request, from.timeline), &zone),
            vendors: briefs,
            risks: from.timeline.conflicts.iter().map(risk).collect(),
            rules,
            // Told with the run of show, of all times that stand there.
            notes: from.notes.iter().filter(|n| n.code != Note::CLOCK_CHANGE).cloned().collect(),
            options: from.options.iter().map(|option| row(option, number)).collect(),
            proof: from.summary.clone(),
            sources,
            called_off: None,
        })
    }
}

fn event(request: &Request) -> EventFacts {
    let window = request.time.window();
    let zone = request.time.zone();
    EventFacts {
        event_type: request.event_type,
        client: request.client.name.clone(),
        city: request.city.clone(),
        guests: request.guests,
        start: window.start.to_zoned(zone.clone()),
        end: window.end.to_zoned(zone),
        vision: request.vision.clone(),
        preferences: request.preferences.clone(),
        functions: request.functions.iter().map(function).collect(),
    }
}

/// From the first to the last time that a blueprint tells.
fn told_times(request: &Request, timeline: &Timeline) -> Window {
    let event = request.parts().map(|part| part.time.window());
    let rows = timeline.activities.iter().map(|a| Window { start: a.start, end: a.end });
    let calls = timeline.calls.iter().map(|call| Window {
        start: call.depart.map_or(call.arrive, |depart| depart.min(call.arrive)),
        end: call.leave,
    });
    let all = event.chain(rows).chain(calls);
    all.reduce(|a, b| Window { start: a.start.min(b.start), end: a.end.max(b.end) })
        .unwrap_or_else(|| request.time.window())
}

fn function(function: &Function) -> FunctionRow {
    let (window, zone) = (function.time.window(), function.time.zone());
    FunctionRow {
        name: function.name.clone(),
        event_type: function.event_type,
        guests: function.guests,
        start: window.start.to_zoned(zone.clone()),
        end: window.end.to_zoned(zone),
        services: function.services.clone(),
    }
}

fn budget(request: &Request, total: Amount) -> BudgetFacts {
    let amount = request.budget.amount;
    let spendable = Amount::new(request.spendable_minor(), amount.decimals);
    BudgetFacts {
        currency: request.budget.currency,
        amount,
        contingency_percent: request.contingency,
        contingency: Amount::new(amount.minor - spendable.minor, amount.decimals),
        spendable,
        total,
        unspent: Amount::new(spendable.minor - total.minor, amount.decimals),
    }
}

fn brief(
    place: &ChosenVendor,
    record: &Vendor,
    timeline: &Timeline,
    zone: &TimeZone,
) -> Result<Brief, DocumentError> {
    let zero = place.quote.zero_like();
    let subtotal = place.lines.iter().map(|line| line.amount).fold(zero, sum_of);
    let sum = sum_of(sum_of(subtotal, place.service_charge), place.tax);
    balanced(&format!("the quote of `{}`", place.id), place.quote, sum)?;
    let mut calls = timeline
        .calls
        .iter()
        .filter(|c| !place.in_house && c.vendor == place.id && c.category == place.category)
        .map(|call| call_times(call, zone));
    Ok(Brief {
        category: place.category.clone(),
        vendor: place.id.clone(),
        name: place.name.clone(),
        in_house: place.in_house,
        city: record.city.clone(),
        area: record.area.clone(),
        contact: record.contact.clone(),
        lines: place.lines.clone(),
        subtotal,
        service_charge: place.service_charge,
        tax: place.tax,
        total: place.quote,
        call: calls.next(),
        further_calls: calls.collect(),
        max_hours: record.max_hours,
        house_rules: house_rules(record),
    })
}

fn call_times(call: &VendorCall, zone: &TimeZone) -> CallTimes {
    let local = |at: Timestamp| at.to_zoned(zone.clone());
    CallTimes {
        function: call.function.clone(),
        depart: call.depart.map(local),
        arrive: local(call.arrive),
        service_start: local(call.service_start),
        service_end: local(call.service_end),
        leave: local(call.leave),
        breaks: call.breaks.iter().map(|pause| (local(pause.start), local(pause.end))).collect(),
    }
}

fn house_rules(record: &Vendor) -> BTreeMap<String, HouseRule> {
    let mut rules = BTreeMap::new();
    let Some(policies) = &record.policies else { return rules };
    let mut tell = |name: &str, rule: Option<HouseRule>| {
        rules.extend(rule.map(|rule| (name.to_owned(), rule)));
    };
    tell("alcohol", policies.alcohol.clone());
    tell("decor", policies.decor.clone());
    for (name, at) in [
        ("music until", policies.music_until),
        ("open from", policies.open_from),
        ("open until", policies.open_until),
    ] {
        tell(name, at.map(|at| HouseRule::Text(at.strftime("%H:%M").to_string())));
    }
    rules
}

/// What a vendor forbids, and its rules in words: nobody but a reader can judge those.
fn rules_in_words(record: &Vendor) -> Vec<String> {
    let Some(policies) = &record.policies else { return Vec::new() };
    let rules = [("alcohol", &policies.alcohol), ("decor", &policies.decor)];
    let told = rules.into_iter().filter_map(|(what, rule)| match rule.as_ref()? {
        HouseRule::Allowed(true) => None,
        HouseRule::Allowed(false) => Some(format!("{} allows no {what}", record.name)),
        HouseRule::Text(text) => Some(format!("{} has a rule on {what}: {text}", record.name)),
    });
    told.collect()
}

/// Whose vendors it rests on is for the search to know.
fn risk(conflict: &Conflict) -> Conflict {
    Conflict { places: Vec::new(), ..conflict.clone() }
}

fn run_of_show(timeline: &Timeline, briefs: &[Brief], zone: &TimeZone) -> Vec<ActivityRow> {
    let carrier = |category| briefs.iter().find(|brief| Some(&brief.category) == category);
    let activities = timeline.activities.iter().map(|activity| ActivityRow {
        function: activity.function.clone(),
        name: activity.name.clone(),
        start: activity.start.to_zoned(zone.clone()),
        end: activity.end.to_zoned(zone.clone()),
        vendor: carrier(activity.category.as_ref()).map(|brief| brief.name.clone()),
        slack_minutes: activity.slack_minutes,
    });
    activities.collect()
}

fn row(option: &PlanOption, selected: u32) -> OptionRow {
    let vendors = option.vendors.iter().map(|place| OptionVendor {
        category: place.category.clone(),
        name: place.name.clone(),
        quote: place.quote,
    });
    OptionRow {
        number: option.number,
        selected: option.number == selected,
        total: option.total,
        fitness: option.fitness,
        budget_fit: option.budget_fit,
        preference_fit: option.preference_fit,
        compatibility: option.compatibility,
        strategy: option.strategy,
        vendors: vendors.collect(),
        differs_in: option.differs_in,
        remarks: option.remarks.clone(),
    }
}

fn source(record: &Vendor) -> SourceRow {
    SourceRow {
        vendor: record.name.clone(),
        source: record.source.as_ref().map(|source| source.name.clone()),
        as_of: record.source.as_ref().map(|source| source.as_of),
    }
}

fn sum_of(a: Amount, b: Amount) -> Amount {
    a + b
}

fn balanced(what: &str, stated: Amount, sum: Amount) -> Result<(), DocumentError> {
    if stated == sum {
        return Ok(());
    }
    Err(DocumentError::OutOfBalance { what: what.to_owned(), stated, sum })
}

/// `Friday, 21 May 2027`.
pub(super) fn long_date(at: &Zoned) -> String {
    at.strftime("%A, %-d %B %Y").to_string()
}
