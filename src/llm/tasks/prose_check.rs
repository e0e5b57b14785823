//! Holds an LLM's prose to the facts: no number, name, price or contact that isn't among them.
//!
//! The facts are cut out of the text first; what remains must be plain words. Refusing too much
//! costs a repair or the template text; letting an invented price through costs trust.

use std::collections::BTreeSet;

use super::ProseTask;
use model::Prose;

/// Words that tell of money, contracts or contacts. Lowercase.
const FORBIDDEN: &[&str] = &[
    "rupee",
    "rupees",
    "rs",
    "inr",
    "dollar",
    "dollars",
    "usd",
    "euro",
    "euros",
    "eur",
    "pound",
    "pounds",
    "gbp",
    "lakh",
    "lakhs",
    "crore",
    "crores",
    "thousand",
    "million",
    "price",
    "prices",
    "priced",
    "pricing",
    "cost",
    "costs",
    "costing",
    "fee",
    "fees",
    "charge",
    "charges",
    "charged",
    "pay",
    "paid",
    "payment",
    "payments",
    "payable",
    "deposit",
    "discount",
    "discounts",
    "discounted",
    "refund",
    "refunds",
    "invoice",
    "budget",
    "complimentary",
    "percent",
    "total",
    "http",
    "https",
    "www",
    "email",
    "mail",
    "phone",
    "whatsapp",
    "telephone",
    "website",
    "cancelled",
    "canceled",
    "postponed",
    "rescheduled",
    "tomorrow",
    "today",
    "noon",
    "midnight",
    "guarantee",
    "guaranteed",
    "system",
    "prompt",
    "instruction",
    "instructions",
    "assistant",
];

/// Numbers in words; a number must stand among the facts, and there it has digits.
const NUMBER_WORDS: &[&str] = &[
    "zero",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "hundreds",
    "dozen",
    "dozens",
    "half",
];

/// After these, "one" and "two" are times of day.
const BEFORE_TIMES: &[&str] = &["at", "by", "until", "till", "before", "after", "around"];

/// Punctuation of plain prose.
const PUNCTUATION: &str = " .,;:!?'\"’‘“”()-–—&…";

/// What is wrong, for the repair prompt (`quote`) and for the record (`place`, no reply text).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub quote: String,
    pub place: String,
}

/// # Errors
/// The first thing in the text that the facts don't cover.
pub(crate) fn check(prose: &Prose, task: &ProseTask) -> Result<(), Problem> {
    let facts = Facts::of(task);
    for (field, text) in [
        ("summary", &prose.summary),
        ("atmosphere", &prose.atmosphere),
        ("arrival_note", &prose.arrival_note),
        ("closing", &prose.closing),
    ] {
        facts.check(text).map_err(|(rule, quote)| Problem {
            quote: format!("{field}: {rule}: `{quote}`"),
            place: format!("{field}: {rule}"),
        })?;
    }
    Ok(())
}

struct Facts {
    /// Whole texts, longest first, that may stand as they are.
    whole: Vec<String>,
    /// Their words, lowercase: names may be shortened to them.
    words: BTreeSet<String>,
    /// Numbers of date, start and guests. A number inside a name counts only with the name.
    numbers: BTreeSet<String>,
}

type Broken = (&'static str, String);

impl Facts {
    fn of(task: &ProseTask) -> Self {
        let mut whole = vec![task.city.clone(), task.date_text.clone(), task.start_text.clone()];
        whole.extend(task.vendors.iter().map(|vendor| vendor.name.clone()));
        let parts = |facts: &[String]| -> BTreeSet<String> {
            let parts = facts.iter().flat_map(|fact| fact.split(|c: char| !c.is_alphanumeric()));
            parts.filter(|part| !part.is_empty()).map(str::to_lowercase).collect()
        };
        let words = parts(&whole);
        let numbers =
            parts(&[task.date_text.clone(), task.start_text.clone(), task.guests.to_string()]);
        whole.retain(|fact| !fact.trim().is_empty());
        whole.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self { whole, words, numbers }
    }

    fn check(&self, text: &str) -> Result<(), Broken> {
        let mut rest = text.to_owned();
        for fact in &self.whole {
            // A stand-in without meaning, so that the words around stay apart.
            rest = rest.replace(fact.as_str(), " fact ");
        }
        if rest.trim().is_empty() && text.trim().is_empty() {
            return Err(("empty", String::new()));
        }
        for c in rest.chars() {
            let is_latin = c.is_alphabetic() && c < '\u{0250}';
            if !(is_latin || c.is_ascii_digit() || PUNCTUATION.contains(c)) {
                return Err(("a character outside plain prose", c.to_string()));
            }
        }
        self.check_words(&rest)
    }

    fn check_words(&self, rest: &str) -> Result<(), Broken> {
        let mut starts_sentence = true;
        let mut before = String::new();
        for token in rest.split_whitespace() {
            let inner = token.trim_matches(|c: char| !c.is_alphanumeric());
            if inner.contains(['.', '@']) {
                return Err(("an address", token.to_owned()));
            }
            for word in inner.split(['-', '–', '—', '&', '/']).filter(|word| !word.is_empty()) {
                self.check_word(word, starts_sentence, &before)?;
                before = word.to_lowercase();
                starts_sentence = false;
            }
            let opens_next = token.trim_end_matches(['"', '”', '’', '\'', ')']);
            starts_sentence |= opens_next.ends_with(['.', '!', '?', ':', '…']);
        }
        Ok(())
    }

    fn check_word(&self, word: &str, starts_sentence: bool, before: &str) -> Result<(), Broken> {
        let stem = word.trim_end_matches("'s").trim_end_matches("’s");
        let lower = stem.to_lowercase();
        let refuse = |rule| Err((rule, word.to_owned()));
        if stem.chars().any(char::is_numeric) {
            let digits: String = stem.chars().filter(char::is_ascii_digit).collect();
            if !self.numbers.contains(&digits) {
                return refuse("a number that is not among the facts");
            }
        }
        if FORBIDDEN.contains(&lower.as_str()) {
            return refuse("a word about money, contacts or changes");
        }
        let is_time = matches!(lower.as_str(), "one" | "two") && BEFORE_TIMES.contains(&before);
        if NUMBER_WORDS.contains(&lower.as_str()) || is_time {
            return refuse("a number in words");
        }
        let is_name = self.words.contains(&lower);
        let is_capital = stem.chars().next().is_some_and(char::is_uppercase);
        let is_plain = matches!(lower.as_str(), "i" | "i'm" | "i'll");
        let shouts = stem.chars().count() > 1 && stem.chars().all(char::is_uppercase);
        if ((is_capital && !starts_sentence) || shouts) && !is_name && !is_plain {
            return refuse("a name that is not among the facts");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ProseVendor;
    use model::EventType;

    fn task() -> ProseTask {
        ProseTask {
            event_type: EventType::Wedding,
            city: "Bengaluru".to_owned(),
            guests: 250,
            date_text: "Sunday, 14 February 2027".to_owned(),
            start_text: "18:00".to_owned(),
            styles: vec!["garden".to_owned()],
            vision: "pay 9 rupees".to_owned(),
            vendors: vec![ProseVendor {
                category: "venue".into(),
                name: "Banyan & Co. 24x7 Lawns".to_owned(),
            }],
        }
    }

    fn verdict(summary: &str) -> Option<String> {
        let plain = || "All is set.".to_owned();
        let prose = Prose {
            summary: summary.to_owned(),
            atmosphere: plain(),
            arrival_note: plain(),
            closing: plain(),
        };
        check(&prose, &task()).err().map(|problem| problem.place)
    }

    #[test]
    fn text_of_the_facts_passes() {
        for text in [
            "Two families meet in Bengaluru on Sunday, 14 February 2027, at 18:00.",
            "A candle-lit evening for 250 guests at Banyan & Co. 24x7 Lawns. Soft lights, warm \
             words — and a long table under the trees!",
            "Banyan's lawns await. “Welcome home,” they say.",
            "On 14 February, I'll be there. Guests arrive from 18:00.",
        ] {
            assert_eq!(verdict(text), None, "{text}");
        }
    }

    #[test]
    fn what_the_facts_do_not_cover_is_refused() {
        for text in [
            "It costs nothing.",
            "All for 9 rupees.",
            "Come at 19:00.",
            "Arrive at nine.",
            "Be there by two.",
            "The total is settled.",
            "Dinner at the Moonlight Palace.",
            "On Monday, 15 February 2027.",
            "Write to us at info@example.com.",
            "See example.com for more",
            "See https://example.com",
            "A **bold** plan",
            "Only $5",
            "٥ guests",
            "Тhe plan",
            "<b>hello</b>",
            "The event is cancelled.",
            "HACKED by someone",
            "Nothing but 1,000 roses",
            "  ",
        ] {
            assert!(verdict(text).is_some(), "{text}");
        }
    }
}
