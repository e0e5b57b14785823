//! How the parts of a vendor lie in `packed`, and in the columns of prices.

use jiff::civil::{Date, Time};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use model::{
    Amount, Basis, Capacity, Category, CateringPolicy, Currency, HouseRule, MealOption, Percent,
    Policies, PriceLine, Source, VendorId, Weekday,
};

/// A value that is packed in another shape than serde gives it. Nothing that is stored may
/// change its shape: daemons of another version read the bytes.
pub(crate) trait Packs: Sized {
    type Form<'a>: Serialize + Deserialize<'a>
    where
        Self: 'a;

    fn form(&self) -> Self::Form<'_>;

    /// `None` for a form that no value has.
    fn of(form: Self::Form<'_>) -> Option<Self>;
}

/// For `#[serde(with)]`, as is [`deserialize`].
pub(crate) fn serialize<T: Packs, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    value.form().serialize(to)
}

pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Packs + 'de,
    D: Deserializer<'de>,
{
    let form = T::Form::<'de>::deserialize(from)?;
    T::of(form).ok_or_else(|| de::Error::custom("not of this version"))
}

impl<T: Packs> Packs for Vec<T> {
    type Form<'a>
        = Vec<T::Form<'a>>
    where
        T: 'a;

    fn form(&self) -> Self::Form<'_> {
        self.iter().map(T::form).collect()
    }

    fn of(form: Self::Form<'_>) -> Option<Self> {
        form.into_iter().map(T::of).collect()
    }
}

impl<T: Packs> Packs for Option<T> {
    type Form<'a>
        = Option<T::Form<'a>>
    where
        T: 'a;

    fn form(&self) -> Self::Form<'_> {
        self.as_ref().map(T::form)
    }

    fn of(form: Self::Form<'_>) -> Option<Self> {
        match form {
            Some(form) => T::of(form).map(Some),
            None => Some(None),
        }
    }
}

/// Packs a type in a form that `$make` and `$read` convert.
macro_rules! packs {
    ($($of:ty as $form:ty: $make:expr, $read:expr;)*) => {$(
        impl Packs for $of {
            type Form<'a> = $form;

            fn form(&self) -> Self::Form<'_> {
                let make: fn(&Self) -> Self::Form<'_> = $make;
                make(self)
            }

            fn of(form: Self::Form<'_>) -> Option<Self> {
                let read: fn(Self::Form<'_>) -> Option<Self> = $read;
                read(form)
            }
        }
    )*};
}

packs! {
    VendorId as &'a str: |id| id.as_str(), |text| Some(Self::new(text));
    Category as &'a str: |category| category.as_str(), |text| Some(Self::new(text));
    // Basis points.
    Percent as u32: |percent| percent.basis_points, |basis_points| Some(Self { basis_points });
    // As ISO 8601 counts.
    Weekday as i8: |day| day.iso(), Self::from_iso;
    // Year, month, day.
    Date as (i16, i8, i8):
        |date| (date.year(), date.month(), date.day()),
        |(year, month, day)| Self::new(year, month, day).ok();
    // Hour, minute, second, nanosecond.
    Time as (i8, i8, i8, i32):
        |time| (time.hour(), time.minute(), time.second(), time.subsec_nanosecond()),
        |(hour, minute, second, nano)| Self::new(hour, minute, second, nano).ok();
    Source as (&'a str, (i16, i8, i8)):
        |source| (source.name.as_str(), source.as_of.form()),
        |(name, as_of)| Some(Self { name: name.to_owned(), as_of: Date::of(as_of)? });
    CateringPolicy as u8:
        |policy| *policy as u8,
        |position| CATERING.get(usize::from(position)).copied();
    HouseRule as Rule<'a>:
        |rule| match rule {
            HouseRule::Allowed(allowed) => Rule::Allowed(*allowed),
            HouseRule::Text(text) => Rule::Text(text),
        },
        |rule| Some(match rule {
            Rule::Allowed(allowed) => Self::Allowed(allowed),
            Rule::Text(text) => Self::Text(text.to_owned()),
        });
    Policies as PackedPolicies<'a>: |policies| PackedPolicies::new(policies), |packed| packed.policies();
    // Min, ideal, max; and whether there are bounds at all.
    Option<Capacity> as ([Option<u32>; 3], bool):
        |capacity| {
            let bounds = capacity.unwrap_or_default();
            ([bounds.min, bounds.ideal, bounds.max], capacity.is_some())
        },
        |([min, ideal, max], is_some)| Some(is_some.then_some(Capacity { min, ideal, max }));
    Vec<PriceLine> as PackedPrices<'a>: |lines| PackedPrices::new(lines), |packed| packed.lines();
}

/// Their positions here, which are those of the type's declaration, stand for them.
const CATERING: [CateringPolicy; 3] =
    [CateringPolicy::InHouse, CateringPolicy::Outside, CateringPolicy::Both];

#[derive(Serialize, Deserialize)]
pub(crate) enum Rule<'a> {
    Allowed(bool),
    Text(&'a str),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PackedPolicies<'a> {
    catering: Option<u8>,
    #[serde(borrow)]
    rules: [Option<Rule<'a>>; 2],
    /// Music until, open from, open until.
    times: [Option<(i8, i8, i8, i32)>; 3],
}

impl<'a> PackedPolicies<'a> {
    fn new(policies: &'a Policies) -> Self {
        let Policies { catering, alcohol, decor, music_until, open_from, open_until } = policies;
        Self {
            catering: catering.form(),
            rules: [alcohol.form(), decor.form()],
            times: [music_until, open_from, open_until].map(Option::form),
        }
    }

    fn policies(self) -> Option<Policies> {
        let [alcohol, decor] = self.rules.map(Option::of);
        let [music_until, open_from, open_until] = self.times.map(Option::of);
        Some(Policies {
            catering: Option::of(self.catering)?,
            alcohol: alcohol?,
            decor: decor?,
            music_until: music_until?,
            open_from: open_from?,
            open_until: open_until?,
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PackedPrices<'a> {
    currency: &'a str,
    /// Label, basis, minor units, meal option.
    #[serde(borrow)]
    lines: Vec<(&'a str, i8, i64, Option<i8>)>,
}

impl<'a> PackedPrices<'a> {
    fn new(lines: &'a [PriceLine]) -> Self {
        let packed = |line: &'a PriceLine| {
            let option = line.option.map(option_code);
            (line.label.as_str(), basis_code(line.basis), line.amount.minor, option)
        };
        Self {
            currency: lines.first().map_or("", |line| line.currency.code()),
            lines: lines.iter().map(packed).collect(),
        }
    }

    fn lines(self) -> Option<Vec<PriceLine>> {
        let currency: Currency = self.currency.parse().ok()?;
        let line = |(label, basis, minor, option): (&str, i8, i64, Option<i8>)| {
            Some(PriceLine {
                label: label.to_owned(),
                basis: basis_of(basis)?,
                amount: Amount::new(minor, currency.decimals()),
                currency,
                option: match option {
                    Some(code) => Some(option_of(code)?),
                    None => None,
                },
            })
        };
        self.lines.into_iter().map(line).collect()
    }
}

pub(crate) const fn basis_code(basis: Basis) -> i8 {
    match basis {
        Basis::Flat => b'f' as i8,
        Basis::PerGuest => b'g' as i8,
        Basis::PerHour => b'h' as i8,
        Basis::PerRoom => b'r' as i8,
        Basis::PerPerson => b'p' as i8,
    }
}

pub(crate) fn basis_of(code: i8) -> Option<Basis> {
    let all = [Basis::Flat, Basis::PerGuest, Basis::PerHour, Basis::PerRoom, Basis::PerPerson];
    all.into_iter().find(|basis| basis_code(*basis) == code)
}

pub(crate) const fn option_code(option: MealOption) -> i8 {
    match option {
        MealOption::Veg => b'v' as i8,
        MealOption::NonVeg => b'n' as i8,
    }
}

pub(crate) fn option_of(code: i8) -> Option<MealOption> {
    [MealOption::Veg, MealOption::NonVeg].into_iter().find(|option| option_code(*option) == code)
}
