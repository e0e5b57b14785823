//! Which vendors may stand in which place: hard constraints, catering roles, `must_include`.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    compatibility::AreaTable,
    constraints::{Reason, Rules, feeds},
    inquiry::{CATERER, Inquiry, VENUE},
    problem::CategoryIndex,
    quote::{Scope, total_minor},
};
use crate::model::{Category, CateringPolicy, Vendor, VendorId};

/// Id of the candidate that leaves an optional category out.
const SKIP_ID: &str = "skip";
/// What is added to a venue's id where it caters too.
const CATERING_SUFFIX: &str = "+catering";

/// What a vendor does as a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Nobody: an optional category is left out.
    Skip,
    /// The service of a category other than `venue`.
    Service,
    /// A venue without its kitchen.
    Rental,
    /// A venue with its kitchen, which then also fills the caterer's place.
    Catering,
}

/// One candidate's side in the domain.
#[derive(Clone, Debug)]
pub struct Seat<'a> {
    /// Unique over the problem, except that every skip is called the same.
    pub id: Cow<'a, str>,
    /// `None` for a skip.
    pub vendor: Option<&'a Vendor>,
    pub role: Role,
    /// Its quote in its own category's place, in minor units.
    pub quote: i64,
    /// Its quote in the caterer's place, in minor units; 0 unless it caters.
    pub plates: i64,
}

/// A vendor that cannot be chosen, and the first constraint that it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    pub vendor: VendorId,
    pub category: Category,
    pub reason: Reason,
}

/// Every vendor that may be chosen, and why the others may not.
#[derive(Clone, Debug)]
pub struct Seating<'a> {
    /// Category → candidate, in ascending order of the ids.
    pub seats: Vec<Vec<Seat<'a>>>,
    /// Vendors without a role, in the order of the inquiry's.
    pub excluded: Vec<Exclusion>,
    /// Statements that make the request infeasible whatever the vendors cost; there are no seats
    /// then.
    pub impossible: Vec<String>,
}

impl<'a> Seating<'a> {
    pub fn of(inquiry: &Inquiry<'a>, areas: &AreaTable) -> Self {
        let musts = Musts::of(inquiry);
        let mut excluded = Vec::new();
        let mut seats = seat_vendors(inquiry, areas, &musts, &mut excluded);
        if !musts.impossible.is_empty() {
            seats.iter_mut().for_each(Vec::clear);
        }
        Self { seats, excluded, impossible: musts.impossible }
    }
}

/// What `must_include` asks for.
struct Musts<'a> {
    /// Per category: the vendor that must fill it.
    by_category: Vec<Option<&'a VendorId>>,
    impossible: Vec<String>,
}

impl<'a> Musts<'a> {
    fn of(inquiry: &Inquiry<'a>) -> Self {
        let mut by_category = vec![None; inquiry.categories.len()];
        let mut impossible = Vec::new();
        for id in &inquiry.request.must_include {
            let Some(sourced) = inquiry.vendors.iter().find(|sourced| sourced.vendor.id == *id)
            else {
                impossible.push(format!(
                    "must_include names `{id}`, which is not among the vendors for this request"
                ));
                continue;
            };
            let category = &sourced.vendor.category;
            let Some(index) = inquiry.index_of(category.as_str()) else {
                impossible
                    .push(format!("must_include names `{id}`, but no {category} is requested"));
                continue;
            };
            match by_category[index] {
                None => by_category[index] = Some(id),
                Some(first) => impossible.push(format!(
                    "must_include names `{first}` and `{id}`, but there is one place for a \
                     {category}"
                )),
            }
        }
        Self { by_category, impossible }
    }

    fn of_category(&self, index: Option<CategoryIndex>) -> Option<&'a VendorId> {
        self.by_category.get(index?).copied().flatten()
    }
}

fn seat_vendors<'a>(
    inquiry: &Inquiry<'a>,
    areas: &AreaTable,
    musts: &Musts<'a>,
    excluded: &mut Vec<Exclusion>,
) -> Vec<Vec<Seat<'a>>> {
    let rules = Rules::new(inquiry, areas);
    let ids = Ids::of(inquiry);
    let mut seats: Vec<Vec<Seat<'a>>> = vec![Vec::new(); inquiry.categories.len()];
    for sourced in inquiry.vendors {
        let vendor = &sourced.vendor;
        let Some(index) = inquiry.index_of(vendor.category.as_str()) else { continue };
        let must = musts.of_category(Some(index));
        let seated = if must.is_some_and(|id| *id != vendor.id) {
            Err(Reason::NotMustInclude)
        } else if let Some(reason) = rules.check(&inquiry.categories[index], sourced) {
            Err(reason)
        } else {
            roles(inquiry, &rules, musts, vendor)
        };
        match seated {
            Ok(roles) => seats[index].extend(roles.into_iter().map(|priced| Seat {
                id: ids.of_role(vendor, priced.role),
                vendor: Some(vendor),
                role: priced.role,
                quote: priced.quote,
                plates: priced.plates,
            })),
            Err(reason) => excluded.push(Exclusion {
                vendor: vendor.id.clone(),
                category: vendor.category.clone(),
                reason,
            }),
        }
    }
    for (index, def) in inquiry.categories.iter().enumerate() {
        if !inquiry.service(&def.name).required && musts.of_category(Some(index)).is_none() {
            let id = ids.skip();
            seats[index].push(Seat { id, vendor: None, role: Role::Skip, quote: 0, plates: 0 });
        }
        seats[index].sort_by(|a, b| a.id.as_bytes().cmp(b.id.as_bytes()));
        // The same vendor twice would be two candidates of one id.
        seats[index].dedup_by(|a, b| a.id == b.id);
    }
    seats
}

/// A role with what it costs, in minor units.
struct Priced {
    role: Role,
    quote: i64,
    plates: i64,
}

/// The roles a vendor can take, with their quotes; an error where none is left: the reason that
/// the last of them failed for.
fn roles(
    inquiry: &Inquiry<'_>,
    rules: &Rules<'_>,
    musts: &Musts<'_>,
    vendor: &Vendor,
) -> Result<Vec<Priced>, Reason> {
    let request = inquiry.request;
    let mut possible = Vec::with_capacity(2);
    let mut failed = Reason::Catering;
    for &role in roles_by_policy(inquiry, musts, vendor) {
        let eaten = role == Role::Catering || feeds(&vendor.category);
        if eaten && !rules.serves_diet(vendor) {
            failed = Reason::Dietary;
            continue;
        }
        let cost = |scope| total_minor(request, &vendor.category, vendor, scope);
        let priced = match role {
            Role::Catering => cost(Scope::Rental)
                .and_then(|quote| Ok(Priced { role, quote, plates: cost(Scope::Plates)? })),
            _ => cost(Scope::of(&vendor.category, false)).map(|quote| Priced {
                role,
                quote,
                plates: 0,
            }),
        };
        match priced {
            Err(_) => failed = Reason::Dietary,
            Ok(priced)
                if priced.quote.saturating_add(priced.plates) > request.spendable_minor() =>
            {
                failed = Reason::OverBudget;
            }
            Ok(priced) => possible.push(priced),
        }
    }
    if possible.is_empty() { Err(failed) } else { Ok(possible) }
}

/// The roles that policy and price list allow.
fn roles_by_policy(inquiry: &Inquiry<'_>, musts: &Musts<'_>, vendor: &Vendor) -> &'static [Role] {
    if vendor.category.as_str() != VENUE {
        return &[Role::Service];
    }
    let caterer = inquiry.index_of(CATERER);
    let policy = vendor.catering();
    // An outside caterer that must come rules the venue's kitchen out.
    let may_cater = caterer.is_some()
        && policy != CateringPolicy::Outside
        && musts.of_category(caterer).is_none()
        && Scope::Plates.is_priced(vendor);
    let may_rent =
        (caterer.is_none() || policy != CateringPolicy::InHouse) && Scope::Rental.is_priced(vendor);
    match (may_rent, may_cater) {
        (true, true) => &[Role::Rental, Role::Catering],
        (true, false) => &[Role::Rental],
        (false, true) => &[Role::Catering],
        (false, false) => &[],
    }
}

/// Makes ids of candidates that no vendor has.
struct Ids<'a> {
    /// The vendors' ids that look like ours.
    taken: BTreeSet<&'a str>,
}

impl<'a> Ids<'a> {
    fn of(inquiry: &Inquiry<'a>) -> Self {
        let ids = inquiry.vendors.iter().map(|sourced| sourced.vendor.id.as_str());
        let alike = |id: &&str| id.contains(CATERING_SUFFIX) || id.starts_with(SKIP_ID);
        Self { taken: ids.filter(alike).collect() }
    }

    fn of_role(&self, vendor: &'a Vendor, role: Role) -> Cow<'a, str> {
        match role {
            Role::Catering => self.free(format!("{}{CATERING_SUFFIX}", vendor.id)).into(),
            _ => vendor.id.as_str().into(),
        }
    }

    fn skip(&self) -> Cow<'a, str> {
        self.free(SKIP_ID.to_owned()).into()
    }

    fn free(&self, mut id: String) -> String {
        while self.taken.contains(id.as_str()) {
            id.push('+');
        }
        id
    }
}
