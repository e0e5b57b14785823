//! Words of a text as stems, so that "candle-lit garden weddings" meets "garden wedding".
//!
//! English: Snowball stems (the Porter2 algorithm), the Stopwords ISO list. Words of other
//! languages pass unstemmed or nearly so, and the same on both sides of a comparison.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::LazyLock,
};

use rust_stemmers::{Algorithm, Stemmer};

/// Stems that one text yields at most: some ten times what a vision holds.
pub(crate) const STEMS_MAX: usize = 256;
/// Letters of a word at most; what is longer is no word.
const WORD_MAX_CHARS: usize = 40;
/// Words that a matcher remembers at most; past that it stems each time.
const MEMO_MAX: usize = 65_536;

/// Words of the stop list that mean something here: it holds `dj` as a country's code.
const KEPT: [&str; 1] = ["dj"];

static STOP_WORDS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let all = stop_words::lookup("en").unwrap_or_default();
    all.iter().copied().filter(|word| !KEPT.contains(word)).collect()
});

/// The distinct stems of a text, lowercase, stop words and bare numbers dropped, sorted; of a
/// text with more than [`STEMS_MAX`] of them the first ones.
pub fn stems(text: &str) -> Vec<String> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut found = BTreeSet::new();
    for_each_word(text, &mut String::new(), |word| {
        if found.len() < STEMS_MAX {
            found.extend(stem(&stemmer, word));
        }
    });
    found.into_iter().collect()
}

/// Finds keywords in many vendors' words. It remembers what each word stands for, so that a word
/// is stemmed once and not once per vendor.
pub(crate) struct KeywordMatcher {
    stemmer: Stemmer,
    /// Stem → its ordinal.
    keywords: HashMap<String, usize>,
    /// Lowercase word → the keyword it stands for.
    memo: HashMap<String, Option<usize>>,
    /// Per keyword: found in the vendor at hand.
    found: Vec<bool>,
    /// The word at hand.
    buffer: String,
}

impl KeywordMatcher {
    /// `keywords` are stems, as [`stems`] yields them.
    pub(crate) fn new(keywords: &[String]) -> Self {
        let distinct: BTreeSet<&String> = keywords.iter().collect();
        let keywords: HashMap<_, _> =
            distinct.into_iter().enumerate().map(|(i, stem)| (stem.clone(), i)).collect();
        let found = vec![false; keywords.len()];
        let stemmer = Stemmer::create(Algorithm::English);
        Self { stemmer, keywords, memo: HashMap::new(), found, buffer: String::new() }
    }

    /// The share of the keywords found in the texts, 0–1; `None` without keywords.
    pub(crate) fn share<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Option<f64> {
        if self.keywords.is_empty() {
            return None;
        }
        let Self { stemmer, keywords, memo, found, buffer } = self;
        found.fill(false);
        for text in texts {
            for_each_word(text, buffer, |word| {
                let keyword = memo.get(word).copied().unwrap_or_else(|| {
                    let stem = stem(stemmer, word);
                    let keyword = stem.and_then(|stem| keywords.get(&stem).copied());
                    if memo.len() < MEMO_MAX {
                        memo.insert(word.to_owned(), keyword);
                    }
                    keyword
                });
                if let Some(keyword) = keyword {
                    found[keyword] = true;
                }
            });
        }
        let hits = found.iter().filter(|&&found| found).count();
        Some(hits as f64 / found.len() as f64)
    }
}

/// Calls with each word of a text in lowercase: runs of letters and digits, apostrophes inside
/// kept. `buffer` holds the word, so that no word is allocated.
fn for_each_word(text: &str, buffer: &mut String, mut call: impl FnMut(&str)) {
    let is_part = |c: char| c.is_alphanumeric() || c == '\'' || c == '’';
    for run in text.split(|c: char| !is_part(c)) {
        buffer.clear();
        for c in run.chars() {
            match c {
                '’' => buffer.push('\''),
                c if c.is_ascii() => buffer.push(c.to_ascii_lowercase()),
                c => buffer.extend(c.to_lowercase()),
            }
        }
        let word = buffer.trim_matches('\'');
        if !word.is_empty() {
            call(word);
        }
    }
}

/// A lowercase word's stem; `None` for stop words, bare numbers and what is too long.
fn stem(stemmer: &Stemmer, word: &str) -> Option<String> {
    let base = word.strip_suffix("'s").unwrap_or(word);
    let letters = base.chars().filter(|c| c.is_alphabetic()).count();
    let is_word = letters > 0 && base.chars().count() <= WORD_MAX_CHARS;
    if !is_word || STOP_WORDS.contains(word) || STOP_WORDS.contains(base) {
        return None;
    }
    // Stems are not held against the list: "wedding" has the stem "wed", there a weekday.
    Some(stemmer.stem(base).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_yields_distinct_sorted_stems() {
        for (text, expected) in [
            ("", &[][..]),
            ("The and of a 200 42", &[]),
            ("Gardens, garden; GARDENING!", &["garden"]),
            (
                "a candle-lit wedding in the bride's garden",
                &["bride", "candl", "garden", "lit", "wed"],
            ),
            ("Don’t want a DJ", &["dj"]),
            ("1920s jazz", &["1920s", "jazz"]),
        ] {
            assert_eq!(stems(text), expected, "{text}");
        }
    }

    #[test]
    fn stems_are_bounded() {
        let long: String = (0..1_000).map(|i| format!("word{i}x ")).collect();
        assert_eq!(stems(&long).len(), STEMS_MAX);
        assert!(stems(&"y".repeat(10_000)).is_empty());
    }

    #[test]
    fn a_matcher_counts_each_keyword_once_and_per_vendor() {
        let mut matcher = KeywordMatcher::new(&stems("rustic garden lights music"));
        assert_eq!(matcher.share(["Gardens", "gardens with lighting"]), Some(0.5));
        assert_eq!(matcher.share(["rustic"]), Some(0.25));
        assert_eq!(matcher.share([]), Some(0.0));
        assert_eq!(KeywordMatcher::new(&[]).share(["rustic"]), None);
    }
}
