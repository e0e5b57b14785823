//! Money in integer minor units, percentages in integer basis points, rounding half to even.

use std::{cmp::Ordering, fmt, iter::Sum, ops::Add, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Digits before the decimal point that an amount may have: far above any event, far below `i64`.
const MAX_WHOLE_DIGITS: usize = 12;

/// An ISO 4217 currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    pub const INR: Self = Self(iso_currency::Currency::INR);

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits of the minor unit: 2 for INR, 0 for JPY, 3 for KWD.
    pub fn decimals(self) -> u8 {
        self.0.exponent().unwrap_or(0) as u8
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        iso_currency::Currency::from_code(code)
            .map(Self)
            .ok_or_else(|| format!("`{}` is no ISO 4217 code", code.escape_debug()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// An amount of money: `minor / 10^decimals` of a currency that stands beside it.
///
/// In JSON a decimal string such as `"800000.00"`; the digits behind the point are the currency's.
/// It has no order: only [`Money`] knows whether two of them may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Amount {
    pub minor: i64,
    pub decimals: u8,
}

impl Amount {
    pub const fn new(minor: i64, decimals: u8) -> Self {
        Self { minor, decimals }
    }

    /// Reads `"1500"`, `"1500.5"` or `"1500.50"` as an amount of `currency`, exactly.
    ///
    /// # Errors
    /// Says what is wrong: no number, a fraction finer than the minor unit, or too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, String> {
        let decimals = currency.decimals();
        let (sign, digits) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || digits.ends_with('.')
        {
            let shown: String = text.chars().take(32).collect();
            return Err(format!("`{}` is no decimal number", shown.escape_debug()));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > usize::from(decimals) {
            return Err(format!("`{text}` is finer than the minor unit of {currency}"));
        }
        if whole.trim_start_matches('0').len() > MAX_WHOLE_DIGITS {
            return Err(format!("has more than {MAX_WHOLE_DIGITS} digits before the point"));
        }
        let scale = 10_i64.pow(u32::from(decimals));
        let padded = format!("{fraction:0<width$}", width = usize::from(decimals));
        let minor = whole.parse::<i64>().unwrap_or(0) * scale + padded.parse::<i64>().unwrap_or(0);
        Ok(Self::new(sign * minor, decimals))
    }

    /// The largest amount that [`Self::parse`] takes, but for its fraction.
    pub fn largest(currency: Currency) -> Self {
        let decimals = currency.decimals();
        let whole = 10_i64.pow(MAX_WHOLE_DIGITS as u32) - 1;
        Self::new(whole * 10_i64.pow(u32::from(decimals)), decimals)
    }

    pub const fn zero_like(self) -> Self {
        Self::new(0, self.decimals)
    }
}

impl Add for Amount {
    type Output = Self;

    /// Amounts of one currency only: a sum of two currencies is a bug.
    fn add(self, other: Self) -> Self {
        debug_assert_eq!(self.decimals, other.decimals, "amounts of two currencies");
        Self::new(self.minor.saturating_add(other.minor), self.decimals.max(other.decimals))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.reduce(Add::add).unwrap_or(Self::new(0, 0))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let width = usize::from(self.decimals) + 1;
        let digits = format!("{:0width$}", self.minor.unsigned_abs());
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(self.decimals));
        let point = if fraction.is_empty() { "" } else { "." };
        f.pad(&format!("{sign}{whole}{point}{fraction}"))
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let minor = text.replacen('.', "", 1).parse().map_err(de::Error::custom)?;
        let decimals = u8::try_from(decimals).map_err(de::Error::custom)?;
        Ok(Self::new(minor, decimals))
    }
}

/// An amount with its currency. Amounts of two currencies are neither equal nor one above the
/// other, and have no sum: nobody here knows what one is worth in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// In minor units of `currency`; `None` where it is another one's.
    pub fn minor_in(self, currency: Currency) -> Option<i64> {
        (self.currency == currency).then_some(self.minor)
    }

    /// `None` for amounts of two currencies.
    pub fn plus(self, other: Self) -> Option<Self> {
        let other = other.minor_in(self.currency)?;
        Some(Self::new(self.minor.saturating_add(other), self.currency))
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        other.minor_in(self.currency).map(|other| self.minor.cmp(&other))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = Amount::new(self.minor, self.currency.decimals());
        f.pad(&grouped(amount, self.currency))
    }
}

/// A percentage in basis points (1/100 of a percent), so that sums stay exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    pub basis_points: u32,
}

impl Percent {
    pub const fn from_whole(percent: u32) -> Self {
        Self { basis_points: percent * 100 }
    }

    /// # Errors
    /// Not a finite number of 0–100 with at most two decimals.
    pub fn from_f64(percent: f64) -> Result<Self, String> {
        let points = (percent * 100.0).round();
        if !(0.0..=10_000.0).contains(&points) {
            return Err(format!("{percent} is not between 0 and 100"));
        }
        if (percent * 100.0 - points).abs() > 1e-6 {
            return Err(format!("{percent} has more than two decimals"));
        }
        Ok(Self { basis_points: points as u32 })
    }

    /// This share of an amount in minor units, half-even.
    pub fn of(self, minor: i64) -> i64 {
        div_half_even(i128::from(minor) * i128::from(self.basis_points), 10_000)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.basis_points.is_multiple_of(100) {
            serializer.serialize_u32(self.basis_points / 100)
        } else {
            serializer.serialize_f64(f64::from(self.basis_points) / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_f64(f64::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// `numerator / denominator` rounded half to even, clamped to `i64`. `denominator > 0`.
pub fn div_half_even(numerator: i128, denominator: i128) -> i64 {
    let quotient = numerator.div_euclid(denominator);
    let twice = 2 * numerator.rem_euclid(denominator);
    let up = twice > denominator || (twice == denominator && quotient % 2 != 0);
    let rounded = quotient + i128::from(up);
    rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

/// `1234567.50` of INR as `1,234,567.50 INR`.
pub fn grouped(amount: Amount, currency: Currency) -> String {
    let plain = amount.to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut out = sign.to_owned();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    format!("{out} {currency}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_exactly() {
        let inr: Currency = "INR".parse().unwrap();
        for (text, minor, shown) in [
            ("800000.00", 80_000_000, "800000.00"),
            ("0.5", 50, "0.50"),
            ("12", 1_200, "12.00"),
            ("-3.07", -307, "-3.07"),
        ] {
            let amount = Amount::parse(text, inr).unwrap();
            assert_eq!((amount.minor, amount.to_string().as_str()), (minor, shown));
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        }
        for bad in ["", ".", "1.", ".5", "NaN", "1e3", "1.005", "9999999999999", "--1", "1,000"] {
            assert!(Amount::parse(bad, inr).is_err(), "{bad}");
        }
        let jpy: Currency = "JPY".parse().unwrap();
        assert_eq!(Amount::parse("5000", jpy).unwrap().to_string(), "5000");
        assert!(Amount::parse("5000.5", jpy).is_err());
        assert!("RUPEE".parse::<Currency>().is_err());
    }

    #[test]
    fn amounts_of_two_currencies_have_neither_order_nor_sum() {
        let money = |minor, code: &str| Money::new(minor, code.parse().unwrap());
        for (one, other, order, sum) in [
            (money(1, "INR"), money(2, "INR"), Some(Ordering::Less), Some(money(3, "INR"))),
            (money(2, "JPY"), money(2, "JPY"), Some(Ordering::Equal), Some(money(4, "JPY"))),
            (money(9, "KWD"), money(2, "KWD"), Some(Ordering::Greater), Some(money(11, "KWD"))),
            (money(1, "INR"), money(2, "EUR"), None, None),
            (money(2, "INR"), money(2, "EUR"), None, None),
        ] {
            assert_eq!(one.partial_cmp(&other), order);
            assert_eq!(one.plus(other), sum);
            assert_eq!(one == other, order == Some(Ordering::Equal));
            assert_eq!(one.minor_in(other.currency()).is_some(), order.is_some());
        }
        for (minor, code, shown) in
            [(1_234_567, "JPY", "1,234,567 JPY"), (1_234_567, "KWD", "1,234.567 KWD")]
        {
            assert_eq!(money(minor, code).to_string(), shown);
        }
        let kwd: Currency = "KWD".parse().unwrap();
        let largest = Amount::largest(kwd);
        assert_eq!(Amount::parse(&largest.to_string(), kwd).unwrap(), largest);
        assert!(Amount::parse("1000000000000", kwd).is_err());
    }

    #[test]
    fn halves_go_to_even() {
        let rounded: Vec<i64> =
            [5, 15, 25, -5, -15, 14, 16].iter().map(|&n| div_half_even(n, 10)).collect();
        assert_eq!(rounded, [0, 2, 2, 0, -2, 1, 2]);
        assert_eq!(Percent::from_f64(7.5).unwrap().of(1_000), 75);
        assert!(Percent::from_f64(f64::NAN).is_err());
        assert!(Percent::from_f64(7.505).is_err());
    }

    #[test]
    fn amounts_are_grouped() {
        for (minor, shown) in [
            (0, "0.00 INR"),
            (-123, "-1.23 INR"),
            (99_999, "999.99 INR"),
            (1_200_000, "12,000.00 INR"),
            (12_345_678_900, "123,456,789.00 INR"),
        ] {
            assert_eq!(grouped(Amount::new(minor, 2), Currency::INR), shown);
        }
    }
}
