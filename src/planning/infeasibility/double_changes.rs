//! Two changes at once, where no single one suffices; and the plain word where no two do.

use super::{
    Money, Priced, Study, WORK_MAX,
    cheapest_fill::{CheapestFill, Relaxed},
    in_words, lowered_contingency, raised_budget,
    relaxations::{Kind, Move},
    varied::Varied,
};
use crate::domain::violation::ViolationSet;
use model::{NoWayOut, Relaxation};

/// Vendors judged per pair of dimensions at most, and for all pairs without more money: some two
/// seconds.
const PAIR_WORK_MAX: u64 = 200_000;
const PAIRS_WORK_MAX: u64 = 2 * WORK_MAX;

impl Study<'_, '_, '_> {
    /// The first pair of changes that needs no more money, and the pair of a change and the
    /// least more money.
    pub(crate) fn pairs(&mut self) -> Vec<Relaxation> {
        let dimensions = self.dimensions();
        let mut found: Vec<Relaxation> = self.pair_of_changes(&dimensions).into_iter().collect();
        found.extend(self.change_and_money(&dimensions));
        found
    }

    /// The changes by kind; that of the guests follows from what else is changed.
    fn dimensions(&self) -> Vec<(Kind, Vec<Move>)> {
        let mut dimensions = vec![(Kind::Guests, Vec::new())];
        for change in &self.moves {
            match dimensions.last_mut() {
                Some((kind, moves)) if *kind == change.kind() => moves.push(change.clone()),
                _ => dimensions.push((change.kind(), vec![change.clone()])),
            }
        }
        dimensions
    }

    fn pair_of_changes(&mut self, dimensions: &[(Kind, Vec<Move>)]) -> Option<Relaxation> {
        let mut total_left = PAIRS_WORK_MAX;
        for (i, one) in dimensions.iter().enumerate() {
            for other in &dimensions[i..] {
                if !self.may_help(&[one, other], Money::Given) {
                    continue;
                }
                let allowed = PAIR_WORK_MAX.min(total_left);
                self.allow(allowed);
                let pair = self.pair_of_kinds(one, other);
                total_left -= allowed - self.work_left;
                if pair.is_some() {
                    return pair;
                }
            }
        }
        None
    }

    fn pair_of_kinds(
        &mut self,
        one: &(Kind, Vec<Move>),
        other: &(Kind, Vec<Move>),
    ) -> Option<Relaxation> {
        let unchanged = Varied::unchanged(&self.here.input);
        if one.0 == Kind::Guests {
            for change in &other.1 {
                let varied = unchanged.clone().and(change);
                let Some(guests) = self.guests(&varied, Money::Given) else { continue };
                let guests = Move::Guests(guests);
                let priced = self.price(&varied.and(&guests), Money::Given)?;
                return Some(self.in_words(&guests, change, &priced));
            }
            return None;
        }
        for (i, first) in one.1.iter().enumerate() {
            let varied = unchanged.clone().and(first);
            let from = if one.0 == other.0 { i + 1 } else { 0 };
            for second in &other.1[from..] {
                if first.is_alternative_to(second) {
                    continue;
                }
                if let Some(priced) = self.price(&varied.clone().and(second), Money::Given) {
                    return Some(self.in_words(first, second, &priced));
                }
            }
        }
        None
    }

    /// The change that makes the request cheapest, with the money that it then takes.
    fn change_and_money(&mut self, dimensions: &[(Kind, Vec<Move>)]) -> Option<Relaxation> {
        let unchanged = Varied::unchanged(&self.here.input);
        let mut cheapest: Option<(Priced, Move)> = None;
        for dimension in dimensions {
            // Amounts of two currencies can't be compared, nor one raised into the other.
            if dimension.0 == Kind::Currency || !self.may_help(&[dimension], Money::Unlimited) {
                continue;
            }
            self.allow(WORK_MAX);
            let mut moves = dimension.1.clone();
            if dimension.0 == Kind::Guests {
                moves.extend(self.guests(&unchanged, Money::Unlimited).map(Move::Guests));
            }
            for change in moves {
                let varied = unchanged.clone().and(&change);
                if let Some(priced) = self.price(&varied, Money::Unlimited)
                    && cheapest.as_ref().is_none_or(|(best, _)| priced.total < best.total)
                {
                    cheapest = Some((priced, change));
                }
            }
        }
        let (priced, change) = cheapest?;
        let request = self.here.input.request;
        let money = lowered_contingency(request, priced.total)
            .or_else(|| raised_budget(request, priced.total))?;
        Some(both(change.in_words(request, priced.bent.as_ref()), money))
    }

    /// False where no changes of these kinds together can suffice, whatever they are: with all
    /// that they might turn left out of account there is still nobody, or nobody cheap enough.
    fn may_help(&self, kinds: &[&(Kind, Vec<Move>)], money: Money) -> bool {
        let has = |kind| kinds.iter().any(|dimension| dimension.0 == kind);
        let base = match &self.elsewhere {
            Some(elsewhere) if has(Kind::City) => elsewhere,
            _ => &self.here,
        };
        let moves = || kinds.iter().flat_map(|dimension| &dimension.1);
        if moves().any(|change| *change == Move::AskCaterer) {
            return true;
        }
        let guests = has(Kind::Guests).then_some(Move::Guests(0));
        let reach = moves().chain(&guests).filter_map(Move::reach);
        let relaxed = Relaxed {
            broken: reach.fold(ViolationSet::NOTHING, ViolationSet::and),
            must_include: has(Kind::Must),
            optional: match has(Kind::Optional) {
                true => (0..base.input.categories.len()).collect(),
                false => Default::default(),
            },
        };
        let keeps_prices = kinds.iter().all(|dimension| dimension.0.keeps_prices());
        let most = match money {
            Money::Given if keeps_prices => self.here.input.request.spendable_minor(),
            _ => i64::MAX,
        };
        let fill = CheapestFill::of(&base.input, &base.areas, base.input.vendors);
        fill.cheapest(&relaxed, most, None).found.is_some()
    }

    fn in_words(&self, one: &Move, other: &Move, priced: &Priced) -> Relaxation {
        let request = self.here.input.request;
        let varied = Varied::unchanged(&self.here.input).and(one);
        both(in_words(one, request, priced), in_words(other, &varied.request, priced))
    }

    /// After singles and pairs: that none helps, and what was tried.
    pub(crate) fn no_way_out(&self) -> NoWayOut {
        let kinds = self.dimensions().into_iter().map(|(kind, _)| kind.in_words());
        let tried: Vec<String> = ["the budget".to_owned(), "the contingency".to_owned()]
            .into_iter()
            .chain(kinds)
            .collect();
        let tried_all = !self.was_cut;
        let listed = match tried.split_last() {
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        let mut statement = format!("no single or double change of {listed} helps");
        if !tried_all {
            statement += ", as far as they were tried: the number of combinations is bounded";
        }
        NoWayOut { statement, tried, tried_all }
    }
}

/// Two changes as one relaxation. Where both change one list, the other's value is the list after
/// both.
fn both(one: Relaxation, other: Relaxation) -> Relaxation {
    if one.field == other.field {
        return Relaxation { advice: format!("{}, and {}", one.advice, other.advice), ..other };
    }
    Relaxation {
        field: format!("{}, {}", one.field, other.field),
        advice: format!("{}, and {}", one.advice, other.advice),
        value: format!("{}; {}", one.value, other.value),
    }
}
