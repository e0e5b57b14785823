//! Prices of sample vendors. Levels are invented, of the order of a large Indian city's in rupees
//! and moved by the price level of the place; quality, size and style move them too.

use super::{Character, draws::Draws};
use model::{Amount, Basis, CateringPolicy, Currency, MealOption, PriceLine};

/// Deviation of the logarithm of a price from what quality and size explain.
const SPREAD: f64 = 0.16;

/// Builds the price lines of one vendor.
pub(crate) struct Prices<'a> {
    pub draws: &'a mut Draws,
    pub character: &'a Character,
    pub currency: Currency,
    /// What costs a rupee in Bengaluru, in units of the currency.
    pub level: f64,
    pub lines: Vec<PriceLine>,
}

impl Prices<'_> {
    /// Adds what is `base` rupees in Bengaluru for a vendor of middle quality, rounded to what
    /// are some `step` rupees there.
    fn add(&mut self, label: &str, basis: Basis, base: f64, step: f64, option: Option<MealOption>) {
        // From 0.6 at the bottom to 1.5 at the top: quality costs money, more so near the top.
        let quality = self.character.quality;
        let level = 0.6 + 0.5 * quality + 0.4 * quality * quality;
        let drawn = self.draws.log_normal(base * level * self.character.style_factor, SPREAD);
        let decimals = self.currency.decimals();
        let step_minor = self.step_minor(step);
        let step = step_minor as f64 / 10_i64.pow(u32::from(decimals)) as f64;
        let steps = (drawn * self.level / step).round().max(1.0) as i64;
        let amount = Amount::new(steps.saturating_mul(step_minor), decimals);
        let (label, currency) = (label.to_owned(), self.currency);
        self.lines.push(PriceLine { label, basis, amount, currency, option });
    }

    /// What are some `step` rupees, as a round number of minor units.
    fn step_minor(&self, step: f64) -> i64 {
        let scale = 10_i64.pow(u32::from(self.currency.decimals()));
        round_number(step * self.level * scale as f64)
    }

    pub(crate) fn venue(&mut self, guests_max: u32, catering: CateringPolicy) {
        let guests = f64::from(guests_max);
        // A house that sells its own plates asks less rent.
        let rent = match catering {
            CateringPolicy::InHouse => 20_000.0 + 360.0 * guests,
            _ => 40_000.0 + 600.0 * guests,
        };
        self.add("Hall rental", Basis::Flat, rent, 1_000.0, None);
        if self.draws.chance(0.25) {
            self.add("Power and air conditioning", Basis::PerHour, 2_400.0, 100.0, None);
        }
        if catering != CateringPolicy::Outside {
            self.plates(1_220.0, true);
        }
    }

    pub(crate) fn caterer(&mut self, serves_meat: bool) {
        self.plates(1_040.0, serves_meat);
        if self.draws.chance(0.5) {
            self.add("Kitchen and crew", Basis::Flat, 16_000.0, 500.0, None);
        }
    }

    fn plates(&mut self, base: f64, serves_meat: bool) {
        self.add("Vegetarian plate", Basis::PerGuest, base, 10.0, Some(MealOption::Veg));
        if serves_meat {
            // Dearer than the vegetarian plate of the same kitchen, by a share of its own.
            let share = self.draws.between(0.12, 0.4);
            if let Some(veg) = self.lines.last() {
                let step = self.step_minor(10.0);
                let dearer = (veg.amount.minor as f64 * (1.0 + share)) as i64 / step * step;
                let amount = Amount::new(dearer, veg.amount.decimals);
                let label = "Non-vegetarian plate".to_owned();
                let option = Some(MealOption::NonVeg);
                self.lines.push(PriceLine { label, amount, option, ..veg.clone() });
            }
        }
    }

    pub(crate) fn photographer(&mut self, video: bool) {
        let crew = if video { 1.35 } else { 1.0 };
        if self.draws.chance(0.3) {
            self.add("Photography", Basis::PerHour, 9_000.0 * crew, 250.0, None);
        } else {
            self.add("Day package", Basis::Flat, 80_000.0 * crew, 1_000.0, None);
        }
        if self.draws.chance(0.4) {
            self.add("Album", Basis::Flat, 14_000.0, 500.0, None);
        }
    }

    pub(crate) fn makeup_artist(&mut self) {
        if self.draws.chance(0.3) {
            self.add("Visit", Basis::Flat, 9_000.0, 250.0, None);
            self.add("Make-up and hair", Basis::PerPerson, 12_000.0, 250.0, None);
        } else {
            self.add("Make-up and hair", Basis::PerPerson, 23_000.0, 500.0, None);
        }
    }

    pub(crate) fn florist(&mut self) {
        self.add("Flowers", Basis::Flat, 32_000.0, 500.0, None);
        if self.draws.chance(0.5) {
            self.add("Table flowers", Basis::PerGuest, 70.0, 5.0, None);
        }
    }

    pub(crate) fn music(&mut self, live: bool) {
        let act = if live { 1.5 } else { 1.0 };
        if self.draws.chance(0.4) {
            self.add("Performance", Basis::PerHour, 6_500.0 * act, 250.0, None);
        } else {
            self.add("Evening", Basis::Flat, 38_000.0 * act, 1_000.0, None);
        }
    }

    pub(crate) fn decorator(&mut self) {
        self.add("Stage and entrance", Basis::Flat, 75_000.0, 1_000.0, None);
        if self.draws.chance(0.4) {
            self.add("Table settings", Basis::PerGuest, 110.0, 5.0, None);
        }
    }

    pub(crate) fn transport(&mut self) {
        self.add("Dispatch", Basis::Flat, 6_000.0, 250.0, None);
        if self.draws.chance(0.5) {
            self.add("Coach with driver", Basis::PerHour, 1_500.0, 50.0, None);
        } else {
            self.add("Seat", Basis::PerGuest, 140.0, 5.0, None);
        }
    }

    /// A category that the generator knows nothing about.
    pub(crate) fn other(&mut self) {
        if self.draws.chance(0.5) {
            self.add("Service", Basis::Flat, 30_000.0, 500.0, None);
        } else {
            self.add("Service", Basis::PerHour, 5_000.0, 250.0, None);
        }
    }
}

/// 1, 2, 2.5 or 5 times a power of ten, whichever is nearest; a whole number, at least 1.
fn round_number(wanted: f64) -> i64 {
    let mut power: i64 = 1;
    while power as f64 * 10.0 <= wanted && power < 1_000_000_000_000 {
        power *= 10;
    }
    let candidates = [power, 2 * power, 5 * power / 2, 5 * power, 10 * power];
    let off = |number: i64| {
        let ratio = number as f64 / wanted.max(f64::MIN_POSITIVE);
        ratio.max(1.0 / ratio)
    };
    // Of a power of one, five halves are no whole number, and two is there already.
    candidates.into_iter().min_by(|a, b| off(*a).total_cmp(&off(*b))).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_in_every_currency() {
        for (wanted, round) in [
            (0.0, 1),
            (0.4, 1),
            (1.0, 1),
            (2.4, 2),
            (8.0, 10),
            (95.0, 100),
            (250.0, 250),
            (25_000.0, 25_000),
            (100_000.0, 100_000),
            (50_000.0, 50_000),
            (3_400.0, 2_500),
            (3_600.0, 5_000),
        ] {
            assert_eq!(round_number(wanted), round, "{wanted}");
        }
    }
}
