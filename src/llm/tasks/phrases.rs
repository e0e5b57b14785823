//! Finds the vocabularies' phrases in plain English, and tells wished from unwished:
//! "no rustic look" asks for nothing, and says that rustic is unwelcome.

use std::{collections::BTreeSet, sync::OnceLock};

use rust_stemmers::{Algorithm, Stemmer};

use super::vocabulary::{Field, TERMS};

/// Words that turn the rest of their clause around.
const NEGATORS: &[&str] = &[
    "no",
    "not",
    "never",
    "without",
    "avoid",
    "neither",
    "nor",
    "hate",
    "dislike",
    "don't",
    "dont",
    "doesn't",
    "isn't",
    "aren't",
    "won't",
    "shouldn't",
    "can't",
    "cannot",
    "skip",
    "nothing",
    "non",
    "against",
    "excluding",
    "except",
    "minus",
    "less",
];

/// Negators that negate nothing in these company: (negator, next word).
const HARMLESS: &[(&str, &str)] = &[
    ("not", "only"),
    ("not", "just"),
    ("no", "doubt"),
    ("no", "less"),
    ("without", "doubt"),
    ("nothing", "less"),
    ("nothing", "but"),
    ("can't", "wait"),
    ("cannot", "wait"),
    ("don't", "mind"),
];

/// Words that end a negation's reach.
const TURNS: &[&str] =
    &["but", "instead", "rather", "however", "though", "although", "yet", "prefer"];

/// "X is not needed": how many words behind a term a negator may follow.
const REACH_BEHIND: usize = 2;

/// "no … X": how many words a negator reaches ahead.
const REACH_AHEAD: usize = 8;

/// What a text wishes for and what it rules out. A term that is both is ruled out: a missing
/// wish ranks worse at most, a wrong one misleads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub wanted: BTreeSet<(Field, &'static str)>,
    pub unwanted: BTreeSet<(Field, &'static str)>,
}

/// Reads the wishes out of `text`.
pub(crate) fn wishes(text: &str) -> Wishes {
    let mut found = Wishes::default();
    for clause in clauses(text) {
        read_clause(&clause, &mut found);
    }
    found.wanted = &found.wanted - &found.unwanted;
    found
}

struct Word {
    text: String,
    stem: String,
}

struct Phrase {
    stems: Vec<String>,
    field: Field,
    name: &'static str,
}

fn stemmer() -> &'static Stemmer {
    static STEMMER: OnceLock<Stemmer> = OnceLock::new();
    STEMMER.get_or_init(|| Stemmer::create(Algorithm::English))
}

/// The vocabularies' phrases as stems.
fn phrases() -> &'static [Phrase] {
    static PHRASES: OnceLock<Vec<Phrase>> = OnceLock::new();
    PHRASES.get_or_init(|| {
        let of_term = |term: &'static super::vocabulary::Term| {
            term.phrases.iter().map(|phrase| Phrase {
                stems: phrase.split(' ').map(|word| stemmer().stem(word).into_owned()).collect(),
                field: term.field,
                name: term.name,
            })
        };
        TERMS.iter().flat_map(of_term).collect()
    })
}

/// The text in clauses of words. A comma ends a clause, unless it stands in a negated list whose
/// "or" comes later in the sentence: "no rustic, vintage or industrial look" is one clause.
fn clauses(text: &str) -> Vec<Vec<Word>> {
    let lower = text.to_lowercase().replace(['’', '‘'], "'");
    let mut clauses = Vec::new();
    for sentence in lower.split(['.', '!', '?', ';', '\n', '(', ')', '–', '—', ':']) {
        let parts: Vec<Vec<Word>> = sentence.split(',').map(words).collect();
        let last_or = parts.iter().rposition(|part| part.iter().any(|word| word.text == "or"));
        let mut open: Vec<Word> = Vec::new();
        for (index, part) in parts.into_iter().enumerate() {
            let negated = open.iter().any(|word| is_negator(&word.text))
                && !open.iter().any(|word| TURNS.contains(&word.text.as_str()));
            let is_listed = negated && last_or >= Some(index);
            if !is_listed && !open.is_empty() {
                clauses.push(std::mem::take(&mut open));
            }
            open.extend(part);
        }
        clauses.push(open);
    }
    clauses
}

fn words(text: &str) -> Vec<Word> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(|word| word.trim_matches('\''))
        .filter(|word| !word.is_empty())
        .map(|word| Word { text: word.to_owned(), stem: stemmer().stem(word).into_owned() })
        .collect()
}

fn is_negator(word: &str) -> bool {
    NEGATORS.contains(&word)
}

fn read_clause(words: &[Word], found: &mut Wishes) {
    for start in 0..words.len() {
        for phrase in phrases() {
            let here = &words[start..];
            let is_here = here.len() >= phrase.stems.len()
                && here.iter().zip(&phrase.stems).all(|(word, stem)| word.stem == *stem);
            if !is_here {
                continue;
            }
            let end = start + phrase.stems.len();
            let set =
                if is_negated(words, start, end) { &mut found.unwanted } else { &mut found.wanted };
            set.insert((phrase.field, phrase.name));
        }
    }
}

/// Whether the term at `start..end` stands in a negator's reach.
fn is_negated(words: &[Word], start: usize, end: usize) -> bool {
    let behind = words[end..].iter().take(REACH_BEHIND).any(|word| {
        matches!(word.text.as_str(), "not" | "isn't" | "aren't" | "never" | "unnecessary")
    });
    if behind && !words[end..].iter().any(|word| word.text == "only" || word.text == "just") {
        return true;
    }
    for index in (start.saturating_sub(REACH_AHEAD)..start).rev() {
        let word = words[index].text.as_str();
        if TURNS.contains(&word) {
            return false;
        }
        if is_negator(word) {
            let next = words.get(index + 1).map_or("", |word| word.text.as_str());
            return !HARMLESS.contains(&(word, next));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(set: &BTreeSet<(Field, &'static str)>, field: Field) -> Vec<&'static str> {
        set.iter().filter(|(of, _)| *of == field).map(|(_, name)| *name).collect()
    }

    #[test]
    fn styles_are_read_with_their_negations() {
        for (text, wanted, unwanted) in [
            ("A rustic wedding", &["rustic"][..], &[][..]),
            (
                "no rustic, vintage or industrial look, something modern",
                &["modern"],
                &["industrial", "rustic", "vintage"],
            ),
            ("Not rustic but modern.", &["modern"], &["rustic"]),
            ("We don't want anything industrial. Boho please!", &["bohemian"], &["industrial"]),
            ("not only rustic but also vintage", &["rustic", "vintage"], &[]),
            ("Rustic is not for us", &[], &["rustic"]),
            ("No loud music, garden style", &["garden"], &[]),
            ("no doubt: a royal wedding", &["royal"], &[]),
            ("We can’t wait for our minimalist day", &["minimalist"], &[]),
            ("vintage, but without vintage cars", &[], &["vintage"]),
            ("", &[], &[]),
            ("gardens full of light", &["garden"], &[]),
        ] {
            let found = wishes(text);
            assert_eq!(names(&found.wanted, Field::Styles), wanted, "{text}");
            assert_eq!(names(&found.unwanted, Field::Styles), unwanted, "{text}");
        }
    }

    #[test]
    fn phrases_of_several_words_and_other_fields_are_read() {
        let found = wishes(
            "South Indian food and some pasta, a dance floor, step-free access, guest rooms, \
             a cinematic film; a pool is not needed. On a rooftop, under the stars.",
        );
        assert_eq!(names(&found.wanted, Field::Cuisines), ["italian", "south_indian"]);
        assert_eq!(
            names(&found.wanted, Field::Amenities),
            ["dance_floor", "rooms", "wheelchair_access"]
        );
        assert_eq!(names(&found.unwanted, Field::Amenities), ["pool"]);
        assert_eq!(names(&found.wanted, Field::VenueTypes), ["garden", "rooftop"]);
        assert_eq!(names(&found.wanted, Field::Video), ["video"]);
    }
}
