//! Looking again: an option against its vendors' present records, with the rules that it was
//! made by.

use super::assemble;
use crate::{
    domain::{
        basis::{basis, differences},
        constraints::needed_window,
        input::{PlanningInput, VENUE},
        quote::{Scope, quote},
        roles::{Candidate, CateringRole, MustInclude, Roles},
        violation::{self, ViolationSet},
    },
    engagement::Engagement,
    matching::compatibility::AreaTable,
    problem::{Combination, score::Scorer},
    settings::SearchSettings,
    timeline::{self, Severity},
};
use model::{
    Amount, Category, CategoryDef, ChosenVendor, PlanOption, QuoteLine, Sourced, Vendor,
    VendorBasis, VendorChange, VendorId, Violation, Window, grouped,
};

/// What has become of an option.
#[derive(Clone, Debug, PartialEq)]
pub struct Recheck {
    /// In the order of its places; of a place its facts by name, then its prices.
    pub changes: Vec<VendorChange>,
    /// The hard constraints that it does not meet any more. Empty: it can be booked, at the
    /// quotes of `vendors`.
    pub violations: Vec<Violation>,
    /// Its places as the present records quote them.
    pub vendors: Vec<ChosenVendor>,
    /// The sum of their quotes.
    pub total: Amount,
    /// The needed window of each vendor, from setup to teardown.
    pub windows: Vec<(VendorId, Window)>,
}

/// Looks at an option again. The input's vendors are the present records of the option's own;
/// `bases` is what is known of what they said when it was made: of a vendor that is not among
/// them only the prices are compared. Bookings are not looked at.
pub fn recheck(input: &PlanningInput<'_>, option: &PlanOption, bases: &[VendorBasis]) -> Recheck {
    let mut look = Look {
        input,
        option,
        bases,
        found: Recheck {
            changes: Vec::new(),
            violations: Vec::new(),
            vendors: Vec::new(),
            total: option.total.zero_like(),
            windows: Vec::new(),
        },
    };
    let areas = AreaTable::new(input.areas);
    let must_include = MustInclude::of(input);
    let roles = Roles::new(input, &areas, &must_include);
    for place in &option.vendors {
        look.place(place, &roles);
    }
    look.together();
    look.found
}

struct Look<'i, 'a> {
    input: &'i PlanningInput<'a>,
    option: &'i PlanOption,
    bases: &'i [VendorBasis],
    found: Recheck,
}

impl<'a> Look<'_, 'a> {
    fn place(&mut self, place: &ChosenVendor, roles: &Roles<'_, 'a>) {
        let about = about(place);
        let (Some(sourced), Some(def)) = (self.record(&place.id), self.def(&place.category)) else {
            self.gone(place, about);
            return;
        };
        let vendor = &sourced.vendor;
        if !place.in_house {
            let now = basis(self.input.request, def, vendor);
            let before = self.bases.iter().find(|basis| basis.id == place.id);
            let changes = before.map(|before| differences(before, &now, &about));
            self.found.changes.extend(changes.unwrap_or_default());
            let window = needed_window(self.input.request, def, vendor);
            self.found.windows.push((vendor.id.clone(), window));
        }
        let requoted = self.requoted(place, vendor);
        self.found.changes.extend(price_changes(place, &requoted, &about));
        self.found.total = self.found.total + requoted.quote;
        self.found.vendors.push(requoted);
        if !place.in_house {
            self.constraints(place, sourced, def, roles);
        }
    }

    /// A vendor without a record, or one that left its category.
    fn gone(&mut self, place: &ChosenVendor, about: VendorChange) {
        self.found.total = self.found.total + place.quote;
        self.found.vendors.push(place.clone());
        if place.in_house {
            return;
        }
        let old = Some("in the catalogue".to_owned());
        self.found.changes.push(VendorChange { field: "vendor".into(), old, ..about });
        self.violated("vendor", Some(place), "is no longer in the catalogue");
    }

    fn requoted(&self, place: &ChosenVendor, vendor: &Vendor) -> ChosenVendor {
        let scope = Scope::of(&place.category, place.in_house);
        let now = quote(self.input.request, &place.category, vendor, scope);
        ChosenVendor {
            quote: now.total,
            lines: now.lines,
            service_charge: now.service_charge,
            tax: now.tax,
            ..place.clone()
        }
    }

    /// What stands against the vendor in its role.
    fn constraints(
        &mut self,
        place: &ChosenVendor,
        sourced: &'a Sourced,
        def: &CategoryDef,
        roles: &Roles<'_, 'a>,
    ) {
        if sourced.vendor.category != def.name {
            let message = format!("is a {} now", sourced.vendor.category);
            self.violated("category", Some(place), &message);
            return;
        }
        let Some(index) = self.input.index_of(def.name.as_str()) else { return };
        let role = self.role_of(place);
        let candidate =
            roles.of(index, sourced).find(|candidate: &Candidate<'_>| candidate.role == role);
        let broken = candidate
            .map_or(ViolationSet::only(violation::Violation::Catering), |candidate| {
                candidate.broken
            });
        for reason in broken.reasons() {
            self.violated(reason.as_str(), Some(place), reason.in_words());
        }
    }

    fn role_of(&self, place: &ChosenVendor) -> CateringRole {
        let caters = |other: &ChosenVendor| other.in_house && other.id == place.id;
        match place.category.as_str() == VENUE {
            true if self.option.vendors.iter().any(caters) => CateringRole::Catering,
            true => CateringRole::Rental,
            false => CateringRole::Service,
        }
    }

    /// What the vendors must meet together: the budget, who goes with whom, the day.
    fn together(&mut self) {
        let request = self.input.request;
        let spendable = Amount::new(request.spendable_minor(), request.budget.amount.decimals);
        if self.found.total.minor > spendable.minor {
            let currency = request.budget.currency;
            let (total, may) = (grouped(self.found.total, currency), grouped(spendable, currency));
            let message = format!("the vendors cost {total} together, and {may} may be spent");
            self.violated("budget", None, &message);
        }
        if self.found.violations.is_empty() && self.holds_forbidden_pair() {
            self.violated("pair", None, "two of its vendors no longer go together");
        }
        let engagements: Vec<Engagement<'_>> = self
            .option
            .vendors
            .iter()
            .filter_map(|place| {
                let (sourced, def) = (self.record(&place.id)?, self.def(&place.category)?);
                let (vendor, in_house) = (&sourced.vendor, place.in_house);
                Some(Engagement { category: &def.name, vendor, in_house })
            })
            .collect();
        let day = timeline::schedule(request, self.input.categories, &engagements);
        let severe = day.conflicts.iter().filter(|conflict| conflict.severity == Severity::High);
        let messages: Vec<String> = severe.map(|conflict| conflict.message.clone()).collect();
        messages.iter().for_each(|message| self.violated("timeline", None, message));
    }

    /// Whether the problem of these vendors alone forbids them to stand together.
    fn holds_forbidden_pair(&self) -> bool {
        let assembly = assemble(self.input, &SearchSettings::default());
        let chosen: Combination = self
            .input
            .categories
            .iter()
            .enumerate()
            .map(|(category, def)| {
                let mut places = self.option.vendors.iter();
                let place = places.find(|p| p.category == def.name && !p.in_house)?;
                let role = self.role_of(place);
                let stands = |candidate: &u32| {
                    assembly.eligible_vendor(category, *candidate).is_some_and(|eligible_vendor| {
                        eligible_vendor.role == role
                            && eligible_vendor.vendor.is_some_and(|v| v.id == place.id)
                    })
                };
                (0..).take_while(|x| assembly.eligible_vendor(category, *x).is_some()).find(stands)
            })
            .collect();
        Scorer::new(&assembly.problem).holds_forbidden_pair(&chosen)
    }

    fn record(&self, id: &VendorId) -> Option<&'a Sourced> {
        self.input.vendors.iter().find(|sourced| sourced.vendor.id == *id)
    }

    fn def(&self, category: &Category) -> Option<&'a CategoryDef> {
        self.input.categories.iter().find(|def| def.name == *category)
    }

    fn violated(&mut self, constraint: &str, place: Option<&ChosenVendor>, message: &str) {
        let message = match place {
            Some(place) => format!("{} ({}) {message}", place.name, place.category),
            None => message.to_owned(),
        };
        let vendor = place.map(|place| place.id.clone());
        let violation = Violation { constraint: constraint.to_owned(), vendor, message };
        if !self.found.violations.contains(&violation) {
            self.found.violations.push(violation);
        }
    }
}

/// A change's head, without the change.
fn about(place: &ChosenVendor) -> VendorChange {
    VendorChange {
        category: place.category.clone(),
        vendor: place.id.clone(),
        name: place.name.clone(),
        field: String::new(),
        old: None,
        new: None,
    }
}

/// What differs between two quotes for a place: each price line, charge and tax, then the total.
/// Labels are words; only figures count.
fn price_changes(
    before: &ChosenVendor,
    now: &ChosenVendor,
    about: &VendorChange,
) -> Vec<VendorChange> {
    let mut changes = Vec::new();
    let mut changed = |field: String, old: Option<String>, new: Option<String>| {
        if old != new {
            changes.push(VendorChange { field, old, new, ..about.clone() });
        }
    };
    let same = |(one, other): (&QuoteLine, &QuoteLine)| {
        one.unit_amount == other.unit_amount
            && one.quantity == other.quantity
            && one.amount == other.amount
    };
    let alike =
        before.lines.len() == now.lines.len() && before.lines.iter().zip(&now.lines).all(same);
    if !alike {
        let of = |lines: &[QuoteLine], at: usize| {
            lines.get(at).map(|line| format!("{} × {}", line.unit_amount, line.quantity))
        };
        for at in 0..before.lines.len().max(now.lines.len()) {
            let line = before.lines.get(at).or(now.lines.get(at));
            let label = line.map_or("", |line| line.label.as_str());
            changed(format!("pricing[{label}]"), of(&before.lines, at), of(&now.lines, at));
        }
    }
    let told = |amount: Amount| Some(amount.to_string());
    changed("service_charge".into(), told(before.service_charge), told(now.service_charge));
    changed("tax".into(), told(before.tax), told(now.tax));
    changed("quote".into(), told(before.quote), told(now.quote));
    changes
}
