//! What a vendor costs for a request: lines × quantities, service charge, tax. Integers only.

use super::input::VENUE;
use model::{
    Amount, Basis, Category, MealOption, Money, PriceLine, Quote, QuoteLine, Request, Vendor,
    div_half_even,
};

/// Which of a vendor's price lines count in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Whole,
    /// A venue's lines without its plates.
    Rental,
    /// A venue's per-guest lines: its in-house catering, in the caterer's place.
    Plates,
}

impl Scope {
    /// The lines of the vendor in `category`'s place; `in_house`: a venue in the caterer's.
    pub fn of(category: &Category, in_house: bool) -> Self {
        match (in_house, category.as_str() == VENUE) {
            (true, _) => Self::Plates,
            (false, true) => Self::Rental,
            (false, false) => Self::Whole,
        }
    }

    fn counts(self, line: &PriceLine) -> bool {
        match self {
            Self::Whole => true,
            Self::Rental => line.basis != Basis::PerGuest,
            Self::Plates => line.basis == Basis::PerGuest,
        }
    }

    fn offers(self, vendor: &Vendor, option: MealOption) -> bool {
        let mut lines = vendor.pricing.iter().filter(|line| self.counts(line));
        lines.any(|line| line.basis == Basis::PerGuest && line.option == Some(option))
    }

    /// Whether the vendor has any price here.
    pub(crate) fn is_priced(self, vendor: &Vendor) -> bool {
        vendor.pricing.iter().any(|line| self.counts(line))
    }
}

/// The total of [`quote`] in minor units, without writing it out.
pub(crate) fn total_minor(
    request: &Request,
    category: &Category,
    vendor: &Vendor,
    scope: Scope,
) -> i64 {
    let quantities = Quantities::of(request, category, vendor, scope);
    let lines = vendor.pricing.iter().filter(|line| scope.counts(line));
    let amounts = lines.map(|line| quantities.of_line(line).amount(line.amount.minor));
    Sums::of(vendor, amounts).total
}

/// The same with its currency; `None` for a vendor that has no one currency.
pub fn total(
    request: &Request,
    category: &Category,
    vendor: &Vendor,
    scope: Scope,
) -> Option<Money> {
    let currency = vendor.currency()?;
    let is_one = vendor.pricing.iter().all(|line| line.currency == currency);
    is_one.then(|| Money::new(total_minor(request, category, vendor, scope), currency))
}

/// The quote of a vendor in a category's place: each line's unit amount × quantity, service
/// charge on their sum, tax on both, every amount rounded half-even to the minor unit and
/// saturating. Lines of quantity zero are left out.
///
/// Of an event with functions, those that need the category count: guests and hours are summed
/// over them, flat prices and units are charged once per day on which any of them begins.
///
/// Quantities (DESIGN "Vendor"): flat 1; per guest the guests; per hour the event's hours, of
/// each function at most the vendor's `max_hours`; per room
/// and per person the service's quantity. Of per-guest lines with a meal option, `veg` serves
/// round-half-even(veg share × guests), `non_veg` the rest; a vendor with only one of them
/// serves it to all; whether the dietary needs allow that is [`serves_only_meat`]'s matter.
pub fn quote(request: &Request, category: &Category, vendor: &Vendor, scope: Scope) -> Quote {
    let quantities = Quantities::of(request, category, vendor, scope);
    let decimals = request.budget.amount.decimals;
    let mut lines = Vec::new();
    for line in vendor.pricing.iter().filter(|line| scope.counts(line)) {
        let quantity = quantities.of_line(line);
        if quantity.count > 0 {
            lines.push(QuoteLine {
                label: line.label.clone(),
                basis: Some(line.basis),
                unit_amount: line.amount,
                quantity: quantity.count as f64 / quantity.per as f64,
                amount: Amount::new(quantity.amount(line.amount.minor), decimals),
            });
        }
    }
    let sums = Sums::of(vendor, lines.iter().map(|line| line.amount.minor));
    Quote {
        vendor: vendor.id.clone(),
        lines,
        subtotal: Amount::new(sums.subtotal, decimals),
        service_charge: Amount::new(sums.service_charge, decimals),
        tax: Amount::new(sums.tax, decimals),
        total: Amount::new(sums.total, decimals),
    }
}

/// Whether the vendor has meals with meat or fish and none without; a meatless request cannot
/// take it.
pub(crate) fn serves_only_meat(vendor: &Vendor, scope: Scope) -> bool {
    scope.offers(vendor, MealOption::NonVeg) && !scope.offers(vendor, MealOption::Veg)
}

/// What a vendor works in one go at most, in minutes, rounded to the nearest.
fn longest_minutes(vendor: &Vendor) -> u32 {
    // Float casts saturate.
    vendor.max_hours.map_or(u32::MAX, |hours| (hours * 60.0).round() as u32)
}

/// How many of so many guests eat vegetarian: round-half-even(veg share × guests).
pub(crate) fn veg_guests(request: &Request, guests: u32) -> u32 {
    let guests = f64::from(guests);
    (request.veg_share() * guests).round_ties_even().clamp(0.0, guests) as u32
}

/// `count / per` units, so that minutes of an hourly price stay exact.
#[derive(Clone, Copy)]
struct Quantity {
    count: u32,
    per: u32,
}

impl Quantity {
    fn amount(self, unit_minor: i64) -> i64 {
        div_half_even(i128::from(unit_minor) * i128::from(self.count), i128::from(self.per))
    }
}

/// The quantities of one vendor's lines.
struct Quantities {
    days: u32,
    guests: u32,
    veg: u32,
    non_veg: u32,
    minutes: u32,
    units: u32,
}

impl Quantities {
    fn of(request: &Request, category: &Category, vendor: &Vendor, scope: Scope) -> Self {
        let (mut days, mut guests, mut minutes, mut eat_veg) = (0_u32, 0_u32, 0_u32, 0_u32);
        let mut last_day = None;
        let longest = longest_minutes(vendor);
        for part in request.parts_of(category) {
            days += u32::from(last_day.replace(part.time.date) != Some(part.time.date));
            guests = guests.saturating_add(part.guests);
            minutes = minutes.saturating_add(part.time.minutes.min(longest));
            eat_veg = eat_veg.saturating_add(veg_guests(request, part.guests));
        }
        let has_both = [MealOption::Veg, MealOption::NonVeg]
            .into_iter()
            .all(|option| scope.offers(vendor, option));
        let (veg, non_veg) = if has_both { (eat_veg, guests - eat_veg) } else { (guests, guests) };
        let units = request.services.get(category).map_or(1, |service| service.quantity);
        let units = units.saturating_mul(days);
        Self { days, guests, veg, non_veg, minutes, units }
    }

    fn of_line(&self, line: &PriceLine) -> Quantity {
        let whole = |count| Quantity { count, per: 1 };
        match (line.basis, line.option) {
            (Basis::Flat, _) => whole(self.days),
            (Basis::PerGuest, None) => whole(self.guests),
            (Basis::PerGuest, Some(MealOption::Veg)) => whole(self.veg),
            (Basis::PerGuest, Some(MealOption::NonVeg)) => whole(self.non_veg),
            (Basis::PerHour, _) => Quantity { count: self.minutes, per: 60 },
            (Basis::PerRoom | Basis::PerPerson, _) => whole(self.units),
        }
    }
}

/// In minor units.
struct Sums {
    subtotal: i64,
    service_charge: i64,
    tax: i64,
    total: i64,
}

impl Sums {
    fn of(vendor: &Vendor, amounts: impl Iterator<Item = i64>) -> Self {
        let subtotal = amounts.fold(0, i64::saturating_add);
        let service_charge = vendor.service_charge.of(subtotal);
        let with_service = subtotal.saturating_add(service_charge);
        let tax = vendor.tax.of(with_service);
        Self { subtotal, service_charge, tax, total: with_service.saturating_add(tax) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{line, meal, request, vendor, venue};
    use model::{CateringPolicy, EventTime, Function, Percent, Service};

    fn amounts(request: &Request, vendor: &Vendor, scope: Scope) -> Vec<i64> {
        let quote = quote(request, &vendor.category, vendor, scope);
        let total = total_minor(request, &vendor.category, vendor, scope);
        assert_eq!(quote.total.minor, total);
        quote.lines.iter().map(|line| line.amount.minor).collect()
    }

    #[test]
    fn each_basis_has_its_quantity() {
        let mut request = request();
        request.time.minutes = 450;
        let service = Service { required: true, weight: 1.0, quantity: 3 };
        request.services.insert("florist".into(), service);
        let mut florist = vendor("f", "florist");
        for (basis, amount) in [
            (Basis::Flat, 1_001),
            (Basis::PerGuest, 100_100),
            // 1,001 × 7.5 = 7,507.5: half to even.
            (Basis::PerHour, 7_508),
            (Basis::PerRoom, 3_003),
            (Basis::PerPerson, 3_003),
        ] {
            florist.pricing = vec![line(basis, 1_001)];
            assert_eq!(amounts(&request, &florist, Scope::Whole), [amount], "{basis:?}");
        }
    }

    #[test]
    fn no_more_hours_are_billed_than_the_vendor_works() {
        let mut request = request();
        // Event's minutes, most hours, what 1,000 minor units an hour come to.
        for (minutes, most, amount) in [
            (300, Some(4.0), 4_000),
            (240, Some(4.0), 4_000),
            (210, Some(4.0), 3_500),
            (300, Some(4.35), 4_350),
            (300, Some(0.25), 250),
            (300, None, 5_000),
        ] {
            request.time.minutes = minutes;
            let mut florist = vendor("f", "florist");
            florist.max_hours = most;
            florist.pricing = vec![line(Basis::PerHour, 1_000), line(Basis::Flat, 7)];
            assert_eq!(
                amounts(&request, &florist, Scope::Whole),
                [amount, 7],
                "{minutes} {most:?}"
            );
            let quote = quote(&request, &florist.category, &florist, Scope::Whole);
            assert_eq!(quote.lines[0].quantity, amount as f64 / 1_000.0);
            assert_eq!(quote.lines[0].basis, Some(Basis::PerHour));
        }
        // Each function for itself: 4 of 5 hours, and 3.
        let part = |minutes| Function {
            name: "part".into(),
            event_type: request.event_type,
            time: EventTime { minutes, ..request.time.clone() },
            guests: 100,
            services: vec!["florist".into()],
            anchors: vec![],
        };
        request.functions = vec![part(300), part(180)];
        let mut florist = vendor("f", "florist");
        florist.max_hours = Some(4.0);
        florist.pricing = vec![line(Basis::PerHour, 1_000)];
        assert_eq!(amounts(&request, &florist, Scope::Whole), [7_000]);
    }

    #[test]
    fn meal_options_share_the_guests() {
        use MealOption::{NonVeg, Veg};
        let both = vec![meal(Veg, 10), meal(NonVeg, 100)];
        for (guests, share, diet, pricing, expected) in [
            (101, None, "", both.clone(), &[500, 5_100][..]),
            (103, None, "", both.clone(), &[520, 5_100]),
            (100, Some(0.25), "", both.clone(), &[250, 7_500]),
            (100, Some(0.0), "", both.clone(), &[10_000]),
            (100, None, "jain", both.clone(), &[1_000]),
            (100, None, "", vec![meal(Veg, 10)], &[1_000]),
            (100, None, "", vec![meal(NonVeg, 100)], &[10_000]),
        ] {
            let mut request = request();
            request.guests = guests;
            request.preferences.veg_share = share;
            request.preferences.dietary =
                Some(diet.to_owned()).filter(|diet| !diet.is_empty()).into_iter().collect();
            let mut caterer = vendor("c", "caterer");
            caterer.pricing = pricing;
            assert_eq!(amounts(&request, &caterer, Scope::Whole), expected, "{guests} {diet}");
        }
    }

    #[test]
    fn only_meat_means_no_meal_without_it() {
        use MealOption::{NonVeg, Veg};
        for (pricing, expected) in [
            (vec![meal(NonVeg, 100)], true),
            (vec![meal(NonVeg, 100), meal(Veg, 10)], false),
            (vec![line(Basis::PerGuest, 100)], false),
            (vec![line(Basis::Flat, 100)], false),
        ] {
            let mut caterer = vendor("c", "caterer");
            caterer.pricing = pricing;
            assert_eq!(serves_only_meat(&caterer, Scope::Whole), expected);
            assert!(!serves_only_meat(&caterer, Scope::Rental));
        }
    }

    #[test]
    fn a_venues_plates_and_rental_are_apart() {
        let (request, venue) = (request(), venue("v", CateringPolicy::Both));
        assert_eq!(amounts(&request, &venue, Scope::Rental), [100_000]);
        assert_eq!(amounts(&request, &venue, Scope::Plates), [100_000]);
        assert_eq!(Scope::of(&"venue".into(), false), Scope::Rental);
        assert_eq!(Scope::of(&"caterer".into(), true), Scope::Plates);
        assert_eq!(Scope::of(&"caterer".into(), false), Scope::Whole);
    }

    #[test]
    fn service_charge_and_tax_are_rounded_one_by_one() {
        let mut florist = vendor("f", "florist");
        florist.pricing = vec![line(Basis::Flat, 1_005)];
        florist.service_charge = Percent::from_whole(10);
        florist.tax = Percent::from_whole(18);
        let quote = quote(&request(), &florist.category, &florist, Scope::Whole);
        let parts = [quote.subtotal, quote.service_charge, quote.tax, quote.total];
        // 100.5 → 100; 18 % of 1,105 = 198.9 → 199.
        assert_eq!(parts.map(|part| part.minor), [1_005, 100, 199, 1_304]);
    }

    #[test]
    fn sums_beyond_i64_saturate() {
        let mut florist = vendor("f", "florist");
        florist.pricing = vec![line(Basis::PerGuest, i64::MAX / 2), line(Basis::Flat, i64::MAX)];
        florist.tax = Percent::from_whole(100);
        let total = total_minor(&request(), &florist.category, &florist, Scope::Whole);
        assert_eq!(total, i64::MAX);
    }
}
