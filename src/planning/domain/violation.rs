//! Why a vendor cannot be chosen.

use std::fmt;

/// Why a vendor cannot be chosen; in the order in which they are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// The request names it in `exclude`.
    Excluded,
    /// `must_include` names another vendor of its category.
    NotMustInclude,
    /// Its prices are in another currency than the budget.
    Currency,
    /// Another city, and the request's centre is not within its service radius.
    City,
    /// Fewer guests than its minimum.
    BelowMinimum,
    /// More guests than its maximum.
    AboveMaximum,
    LeadTime,
    Blackout,
    ClosedWeekday,
    /// Booked in the needed window, setup to teardown.
    Booked,
    /// Its hours, or how long it works, clash with the event's times whoever else is engaged.
    Times,
    /// Its catering policy or its prices leave no way to use it: e.g. a hall that is sold with
    /// its own plates only, where no caterer is wanted.
    Catering,
    /// It takes no decorator, and one must come.
    Decor,
    /// It allows no alcohol, and a bar is wanted.
    Alcohol,
    /// A dietary need is not served.
    Dietary,
    /// It alone costs more than the budget without the contingency.
    OverBudget,
}

impl Violation {
    const ALL: [Self; 16] = [
        Self::Excluded,
        Self::NotMustInclude,
        Self::Currency,
        Self::City,
        Self::BelowMinimum,
        Self::AboveMaximum,
        Self::LeadTime,
        Self::Blackout,
        Self::ClosedWeekday,
        Self::Booked,
        Self::Times,
        Self::Catering,
        Self::Decor,
        Self::Alcohol,
        Self::Dietary,
        Self::OverBudget,
    ];

    /// A stable word for logs and counts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Excluded => "excluded",
            Self::NotMustInclude => "not_must_include",
            Self::Currency => "currency",
            Self::City => "city",
            Self::BelowMinimum => "below_minimum",
            Self::AboveMaximum => "above_maximum",
            Self::LeadTime => "lead_time",
            Self::Blackout => "blackout",
            Self::ClosedWeekday => "closed_weekday",
            Self::Booked => "booked",
            Self::Times => "times",
            Self::Catering => "catering",
            Self::Decor => "decor",
            Self::Alcohol => "alcohol",
            Self::Dietary => "dietary",
            Self::OverBudget => "over_budget",
        }
    }

    /// Said of a vendor: "it …".
    pub(crate) const fn in_words(self) -> &'static str {
        match self {
            Self::Excluded => "is named in exclude",
            Self::NotMustInclude => "gives way to another vendor named in must_include",
            Self::Currency => "is priced in another currency",
            Self::City => "does not serve the city",
            Self::BelowMinimum => "takes only more guests",
            Self::AboveMaximum => "takes only fewer guests",
            Self::LeadTime => "needs more notice",
            Self::Blackout => "is not available on a day on which it would be there",
            Self::ClosedWeekday => "is closed on a weekday on which it would be there",
            Self::Booked => "is booked at that time",
            Self::Times => "cannot keep the event's times",
            Self::Catering => "cannot be combined with the catering that is wanted",
            Self::Decor => "takes no decorator",
            Self::Alcohol => "allows no alcohol",
            Self::Dietary => "does not serve the dietary needs",
            Self::OverBudget => "alone costs more than the budget",
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A set of broken constraints: reasons, and each dietary need on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViolationSet(u64);

/// The first bit of a dietary need; the reasons stand below it.
const DIET_BIT: usize = 20;
/// Needs told apart; all further ones share the last bit.
const DIETS_MAX: usize = 44;

impl ViolationSet {
    pub(crate) const NOTHING: Self = Self(0);

    pub const fn only(reason: Violation) -> Self {
        Self(1 << reason as u64)
    }

    /// The need at this place of the request's list.
    pub fn diet(index: usize) -> Self {
        Self(1 << (DIET_BIT + index.min(DIETS_MAX - 1)))
    }

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn is_nothing(self) -> bool {
        self.0 == 0
    }

    /// The first of the reasons; dietary needs count as [`Violation::Dietary`].
    pub fn first(self) -> Option<Violation> {
        self.reasons().next()
    }

    /// All of them, in their order; dietary needs count as one [`Violation::Dietary`].
    pub fn reasons(self) -> impl Iterator<Item = Violation> {
        let diets = self.0 >> DIET_BIT != 0;
        let holds = move |reason: &Violation| {
            self.has(Self::only(*reason)) || (*reason == Violation::Dietary && diets)
        };
        Violation::ALL.into_iter().filter(holds)
    }
}
