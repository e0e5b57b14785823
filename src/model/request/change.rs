//! A request under changed circumstances.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::checks::{DATE_HINT, GUESTS_MAX, SKIPPED_HINT, check_amount, check_coming, in_range};
use crate::{Amount, Budget, Currency, DateSpec, FieldErrors, Request, VendorId, tidy_name};

/// What is different; anything left out stays.
#[derive(Clone, Debug, Default)]
pub struct RequestChange<'a> {
    /// Vendors that are no longer to be had.
    pub without: Vec<VendorId>,
    /// Of the event; each function's own number changes in the same proportion.
    pub guests: Option<i64>,
    /// By the function's name; set after `guests` has changed them all.
    pub function_guests: BTreeMap<&'a str, i64>,
    /// A decimal string in the request's currency, or in another one with its code behind it:
    /// `57137.00 INR`.
    pub budget: Option<&'a str>,
    /// `2027-02-14`, or `+180d` from today.
    pub date: Option<&'a str>,
}

impl Request {
    /// The request with the changes. `now` resolves a relative date and refuses a past one.
    ///
    /// # Errors
    /// Each refused field: `guests`, `function_guests.NAME`, `budget`, `date`.
    pub fn changed(&self, change: &RequestChange<'_>, now: Timestamp) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut request = self.clone();
        // Of a request from before names were tidy.
        request.city = tidy_name(&self.city).into_owned();
        for id in &change.without {
            request.must_include.retain(|other| other != id);
            if !request.exclude.contains(id) {
                request.exclude.push(id.clone());
            }
        }
        request.exclude.sort();
        if let Some(guests) = change.guests
            && let Some(guests) = in_range(&mut errors, "guests", guests, 1, GUESTS_MAX)
        {
            request.set_guests(guests as u32);
        }
        for (name, guests) in &change.function_guests {
            request.change_function(&mut errors, name, *guests);
        }
        if let Some(budget) = change.budget {
            let (amount, code) = budget.trim().split_once(' ').unwrap_or((budget.trim(), ""));
            let currency = match code.trim() {
                "" => Ok(request.budget.currency),
                code => code.parse::<Currency>(),
            };
            match currency {
                Ok(currency) => {
                    let amount = Amount::parse(amount, currency);
                    if let Some(amount) = check_amount(&mut errors, "budget", amount) {
                        request.budget = Budget { amount, currency };
                    }
                }
                Err(message) => {
                    errors.push("budget", message, "write an amount and a code: 57137.00 INR");
                }
            }
        }
        let local_now = now.to_zoned(request.time.zone());
        match change.date.map(str::parse::<DateSpec>) {
            Some(Ok(date)) => request.move_to(date.resolve(local_now.date())),
            Some(Err(message)) => {
                errors.push("date", message, DATE_HINT);
            }
            None => {}
        }
        if change.date.is_some()
            && let Some(message) = request.skipped_time()
        {
            errors.push("date", message, SKIPPED_HINT);
        }
        let (date, start) = (request.time.date, request.time.start);
        let _ = check_coming(&mut errors, "date", date, start, &local_now);
        errors.into_result(request)
    }

    fn change_function(&mut self, errors: &mut FieldErrors, name: &str, guests: i64) {
        let field = format!("function_guests.{}", name.escape_debug());
        let Some(guests) = in_range(errors, &field, guests, 1, GUESTS_MAX) else { return };
        if !self.set_function_guests(name, guests as u32) {
            let names: Vec<&str> = self.functions.iter().map(|f| f.name.as_str()).collect();
            let hint = match names.is_empty() {
                true => "the event has no functions: write guests alone".to_owned(),
                false => format!("its functions: {}", names.join(", ")),
            };
            errors.push(field, "there is no such function", hint);
        }
    }
}
