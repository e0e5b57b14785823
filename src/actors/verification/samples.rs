//! Samples of a mechanism off and on, and what they say.

use wire::{Mechanism, Verdict};

/// What is compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub name: &'static str,
    pub unit: &'static str,
    /// The gain that the original system promised, in percent.
    pub promised: Option<f64>,
}

/// Samples of both kinds.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    claim: Claim,
    off: Vec<f64>,
    on: Vec<f64>,
    note: Option<String>,
}

impl Comparison {
    pub(super) const fn new(claim: Claim) -> Self {
        Self { claim, off: Vec::new(), on: Vec::new(), note: None }
    }

    /// Nothing to measure on.
    pub(crate) fn not_measured(claim: Claim, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..Self::new(claim) }
    }

    /// One of each, taken one after the other.
    pub(super) fn add(&mut self, off: f64, on: f64) {
        self.off.push(off);
        self.on.push(on);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.off.is_empty()
    }

    #[must_use]
    pub(crate) fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }

    /// A further remark beside the note that is there.
    #[must_use]
    pub(crate) fn with_more(self, remark: impl Into<String>) -> Self {
        let remark = remark.into();
        let note = self.note.as_ref().map_or(remark.clone(), |note| format!("{note}; {remark}"));
        self.with_note(note)
    }

    /// The judged row: medians, gain, verdict.
    pub(crate) fn into_row(mut self) -> Mechanism {
        let samples = self.off.len().min(self.on.len()) as u32;
        let (off, on) = (median(&mut self.off), median(&mut self.on));
        let gain = off.zip(on).filter(|(off, _)| *off > 0.0);
        let gain = gain.map(|(off, on)| 100.0 * (off - on) / off);
        let verdict = match gain {
            None => Verdict::NotMeasured,
            // Without a promise any gain will do.
            Some(gain) if gain >= self.claim.promised.unwrap_or(0.0) && gain > 0.0 => Verdict::Pass,
            Some(_) => Verdict::Fail,
        };
        Mechanism {
            name: self.claim.name.to_owned(),
            unit: self.claim.unit.to_owned(),
            off,
            on,
            gain_percent: gain,
            promised_percent: self.claim.promised,
            verdict,
            samples,
            note: self.note,
        }
    }
}

/// None without samples.
fn median(samples: &mut [f64]) -> Option<f64> {
    samples.sort_by(f64::total_cmp);
    let middle = samples.len() / 2;
    match samples.len() {
        0 => None,
        n if n % 2 == 0 => Some((samples[middle - 1] + samples[middle]) / 2.0),
        _ => Some(samples[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLAIM: Claim = Claim { name: "cache", unit: "ms", promised: Some(60.0) };

    fn row(samples: &[(f64, f64)], claim: Claim) -> Mechanism {
        let mut comparison = Comparison::new(claim);
        samples.iter().for_each(|(off, on)| comparison.add(*off, *on));
        comparison.into_row()
    }

    #[test]
    fn medians_are_judged_against_the_promise() {
        let found = row(&[(10.0, 2.0), (1_000.0, 3.0), (9.0, 900.0)], CLAIM);
        assert_eq!((found.off, found.on, found.samples), (Some(10.0), Some(3.0), 3));
        assert_eq!((found.gain_percent, found.verdict), (Some(70.0), Verdict::Pass));
        assert_eq!(row(&[(10.0, 5.0)], CLAIM).verdict, Verdict::Fail);
        let unpromised = Claim { promised: None, ..CLAIM };
        assert_eq!(row(&[(10.0, 9.0)], unpromised).verdict, Verdict::Pass);
        assert_eq!(row(&[(10.0, 10.0)], unpromised).verdict, Verdict::Fail);
        let costs = row(&[(10.0, 12.0)], unpromised);
        assert_eq!((costs.gain_percent, costs.verdict), (Some(-20.0), Verdict::Fail));
        let nothing = Comparison::not_measured(CLAIM, "no plan").into_row();
        assert_eq!((nothing.verdict, nothing.off), (Verdict::NotMeasured, None));
    }
}
