//! Quotes: what one vendor costs for one request.

use serde::{Deserialize, Serialize};

use crate::{Amount, Basis, VendorId};

/// A price line, multiplied out. `amount = unit_amount × quantity`, half-even.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub label: String,
    /// What the price is per; unknown for a quote of an earlier version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<Basis>,
    pub unit_amount: Amount,
    /// Guests, hours, rooms or persons; 1 for a flat price.
    pub quantity: f64,
    pub amount: Amount,
}

/// `total = subtotal + service_charge + tax`; tax is due on subtotal and service charge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    pub vendor: VendorId,
    pub lines: Vec<QuoteLine>,
    pub subtotal: Amount,
    pub service_charge: Amount,
    pub tax: Amount,
    pub total: Amount,
}
