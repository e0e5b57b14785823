//! What a problem file may hold at most. Lists end at their bound while they are read, so that no
//! file takes more memory than some multiple of its own length, whatever its numbers say.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

pub(crate) const CATEGORIES_MAX: usize = 1_000;
/// Over all categories.
pub(crate) const CANDIDATES_MAX: usize = 2_000_000;
pub(crate) const STRATEGIES_MAX: usize = 64;
pub(crate) const LIMITS_MAX: usize = 64;
/// Rows of `pair_value`; 128 MiB at most.
pub(crate) const SIGNATURES_MAX: usize = 4_096;
pub(crate) const FORBIDDEN_PAIRS_MAX: usize = 2_000_000;
pub(crate) const TIES_MAX: usize = 1_000_000;
/// No-goods of a file.
pub(crate) const NOGOODS_MAX: usize = 1_000_000;
/// Options that a file may ask for.
pub(crate) const OPTIONS_MAX: usize = 100;
/// Forbidden pairs that ties may stand for where they can't be folded.
pub(crate) const TIE_PAIRS_MAX: usize = 1_000_000;
/// Pairs of kinds of candidates, of different categories, that can be weighed against each other.
pub(crate) const KIND_PAIRS_MAX: usize = 50_000_000;
/// The same where candidates exclude each other, which takes a look at each pair.
pub(crate) const CLASH_PAIRS_MAX: usize = 4_000_000;

/// Values and pair values lie within this of 0, so that no sum or product of them overflows.
pub(crate) const VALUE_MAX: f64 = 1e15;
/// Numbers nearer to 0 than this are refused: quotients by them overflow.
pub(crate) const NUMBER_MIN: f64 = 1e-30;
/// Uses and limits, and sums of uses in whole numbers, end here: beyond, f64 isn't exact.
pub(crate) const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A value that stands as an object: derived readers take lists for objects, too.
pub(crate) struct Strict<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Strict<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Strict<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Strict<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Strict)
    }
}

/// A list of at most `MAX` entries.
pub(crate) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
}

/// A list of at most `MAX` objects.
pub(crate) fn objects<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let all = list::<D, Strict<T>, MAX>(deserializer)?;
    Ok(all.into_iter().map(|Strict(one)| one).collect())
}

/// At most `MAX` rows of at most `MAX` numbers, or null.
pub(crate) fn table<'de, D, const MAX: usize>(
    deserializer: D,
) -> Result<Option<Vec<Vec<f64>>>, D::Error>
where
    D: Deserializer<'de>,
{
    let rows = Option::<List<List<f64, MAX>, MAX>>::deserialize(deserializer)?;
    Ok(rows.map(|List(rows)| rows.into_iter().map(|List(row)| row).collect()))
}

struct List<T, const MAX: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        list::<D, T, MAX>(deserializer).map(Self)
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = seq.next_element()? {
            if all.len() == MAX {
                return Err(A::Error::custom(format!("more than {MAX} entries")));
            }
            all.push(one);
        }
        Ok(all)
    }
}
