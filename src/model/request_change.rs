//! A request under changed circumstances.

use jiff::Timestamp;

use super::request_checks::{
    DATE_HINT, GUESTS_MAX, SKIPPED_HINT, check_amount, check_coming, in_range,
};
use super::{Amount, DateSpec, FieldErrors, Request, VendorId};

/// What is different; anything left out stays.
#[derive(Clone, Debug, Default)]
pub struct RequestChange<'a> {
    /// Vendors that are no longer to be had.
    pub without: Vec<VendorId>,
    pub guests: Option<i64>,
    /// A decimal string in the request's currency.
    pub budget: Option<&'a str>,
    /// `2027-02-14`, or `+180d` from today.
    pub date: Option<&'a str>,
}

impl Request {
    /// The request with the changes. `now` resolves a relative date and refuses a past one.
    ///
    /// # Errors
    /// Each refused field: `guests`, `budget`, `date`.
    pub fn changed(&self, change: &RequestChange<'_>, now: Timestamp) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut request = self.clone();
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
        if let Some(budget) = change.budget {
            let amount = Amount::parse(budget, request.budget.currency);
            if let Some(amount) = check_amount(&mut errors, "budget", amount) {
                request.budget.amount = amount;
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
}
