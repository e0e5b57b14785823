//! Names as people write them: what looks the same is the same.
//!
//! Every edge brings the names of cities and areas, and ids, into these forms; inside nothing is
//! compared in any other. The canonical form is NFC: it changes no look, while the compatibility
//! forms (NFKC) would take the superscript off "Praha ²" and the width off full-width letters,
//! which do look different.

use std::borrow::Cow;

use unicode_normalization::{
    IsNormalized, UnicodeNormalization, char::is_combining_mark, is_nfc_quick,
};

/// A name as it is shown and stored: NFC, every run of white space one space, none at the ends,
/// without signs that show nothing. Joiners stay where a script needs them: between letters of
/// Arabic, Persian or an Indian script they change the look of a word.
pub fn tidy_name(text: &str) -> Cow<'_, str> {
    tidied(text, needs_joiner)
}

/// An id as it is stored and compared: as [`tidy_name`], without any joiner.
pub fn tidy_id(text: &str) -> Cow<'_, str> {
    tidied(text, |_, _| false)
}

/// A name as it is compared: tidy, without joiners, in no case ("STRASSE" and "Straße" are one),
/// with every hyphen, dash and apostrophe in the form of a keyboard. Accents count: "Münster" and "Munster" are two cities.
pub fn name_key(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        let has_capital = text.bytes().any(|byte| byte.is_ascii_uppercase());
        return if has_capital { text.to_ascii_lowercase().into() } else { text.into() };
    }
    // By way of the capitals, which have no sharp s and no final sigma. The dotted capital I of
    // Turkish would leave its dot behind.
    let lower = tidy_id(text).replace('\u{130}', "I");
    let lower = lower.chars().flat_map(char::to_lowercase);
    let upper = lower.flat_map(char::to_uppercase).collect::<String>();
    upper.chars().flat_map(char::to_lowercase).map(plain_mark).nfc().collect()
}

/// Whether a name has the key, for most names without building the name's own.
pub fn has_name_key(name: &str, key: &str) -> bool {
    name == key
        || if is_plain(name) { name.eq_ignore_ascii_case(key) } else { name_key(name) == key }
}

/// A key without accents: what a keyboard without them makes of it. For likeness, never for
/// identity.
pub(crate) fn unaccented(key: &str) -> String {
    key.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// Names that are offered for one that nobody knows, at most.
const ALIKE_MAX: usize = 3;
/// From this share of letters in place on a name counts as alike.
const ALIKE_MIN: f64 = 0.6;

/// The names nearest in spelling to `name`, the nearest first, [`ALIKE_MAX`] at most, ties by
/// name. `known`: what each is called, and a spelling of it, which may be another name.
pub fn alike<'n>(name: &str, known: impl IntoIterator<Item = (&'n str, &'n str)>) -> Vec<&'n str> {
    let wanted = unaccented(&name_key(name));
    let likeness = |(shown, spelling): (&'n str, &str)| {
        let spelling = unaccented(&name_key(spelling));
        (strsim::normalized_damerau_levenshtein(&wanted, &spelling), shown)
    };
    let mut found: Vec<(f64, &str)> =
        known.into_iter().map(likeness).filter(|(alike, _)| *alike >= ALIKE_MIN).collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let mut names: Vec<&str> = Vec::with_capacity(ALIKE_MAX);
    for (_, shown) in found {
        if names.len() < ALIKE_MAX && !names.contains(&shown) {
            names.push(shown);
        }
    }
    names
}

/// Visible ASCII with single spaces between: most names and ids, and tidy as they are.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let spaced = |pair: &[u8]| pair[0] == b' ' && pair[1] == b' ';
    bytes.iter().all(|byte| (b' '..=b'~').contains(byte))
        && bytes.first() != Some(&b' ')
        && bytes.last() != Some(&b' ')
        && !bytes.windows(2).any(spaced)
}

fn tidied(text: &str, keeps_joiner: impl Fn(Option<char>, Option<char>) -> bool) -> Cow<'_, str> {
    if is_plain(text) {
        return text.into();
    }
    let mut visible = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let stays = match c {
            '\u{200c}' | '\u{200d}' => {
                let next = rest.clone().find(|c| !is_invisible(*c));
                keeps_joiner(visible.chars().next_back(), next)
            }
            c => c.is_whitespace() || !is_invisible(c),
        };
        if stays {
            // The hyphen that no line is broken at looks like the one of a keyboard.
            visible.push(if c == '\u{2011}' { '-' } else { c });
        }
    }
    let composed = match is_nfc_quick(visible.chars()) {
        IsNormalized::Yes => visible,
        _ => visible.nfc().collect(),
    };
    let mut tidy = String::with_capacity(composed.len());
    for word in composed.split(|c: char| c.is_whitespace() || is_blank(c)) {
        if !word.is_empty() {
            if !tidy.is_empty() {
                tidy.push(' ');
            }
            tidy.push_str(word);
        }
    }
    tidy.into()
}

/// Hyphens and dashes as `-`, apostrophes as `'`: a text processor changes one for the other.
fn plain_mark(c: char) -> char {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bb}' | '\u{2bc}' | '\u{2b9}' | '\u{b4}' => '\'',
        c => c,
    }
}

/// Between letters of the scripts from Arabic to Sinhala, in which joiners shape words.
fn needs_joiner(before: Option<char>, after: Option<char>) -> bool {
    let shaped = |c: Option<char>| c.is_some_and(|c| ('\u{600}'..='\u{dff}').contains(&c));
    shaped(before) && shaped(after)
}

/// Signs that are drawn as an empty place without being white space: fillers and the empty braille
/// pattern.
fn is_blank(c: char) -> bool {
    matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}')
}

/// Signs that show nothing: controls that are no white space, and what Unicode calls format
/// characters and default ignorable code points (DerivedCoreProperties.txt, Unicode 16), but for
/// the fillers of [`is_blank`].
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_look_the_same_are_the_same() {
        for (one, other) in [
            ("München", "Mu\u{308}nchen"),
            ("München", "\u{a0}Mu\u{200b}\u{308}nchen\u{3000}"),
            ("São Paulo", "Sa\u{303}o\u{202f}\u{2009} Paulo"),
            ("New York", "New\u{a0}\u{a0}York"),
            ("New York", " new\tyork\r\n"),
            ("Zürich", "ZU\u{308}RICH\u{200d}"),
            ("Gießen", "GIESSEN"),
            ("Gießen", "GIE\u{1e9e}EN"),
            ("İstanbul", "istanbul"),
            ("İstanbul", "I\u{307}stanbul"),
            ("ΑΘΗΝΑΣ", "Αθηνας"),
            ("Åre", "\u{212b}re"),
            ("서울", "\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}"),
            ("Ho\u{302}\u{300}", "Hồ"),
            ("\u{202e}Bonn\u{202c}", "Bonn"),
            ("Bo\u{ad}nn", "Bonn"),
            ("Bonn\u{0}", "Bonn"),
            ("\u{feff}Bonn\u{fe0f}", "Bonn"),
            ("نجف\u{200c}آباد", "نجفآباد"),
            ("東京", "東\u{2060}京"),
            ("A\u{2800}B", "a b"),
            ("Cluj\u{2011}Napoca", "cluj-napoca"),
            ("Aix\u{2013}en\u{2010}Provence", "Aix-en-Provence"),
            ("L\u{2019}Aquila", "l'aquila"),
            ("\u{149}", "'N"),
        ] {
            assert_eq!(name_key(one), name_key(other), "{one:?} {other:?}");
            assert!(has_name_key(one, &name_key(other)), "{one:?} {other:?}");
        }
        for (one, other) in [("Münster", "Munster"), ("New York", "Newyork"), ("Bonn", "Bohn")] {
            assert_ne!(name_key(one), name_key(other));
            assert!(!has_name_key(one, &name_key(other)));
        }
        assert_eq!(unaccented(&name_key("MÜNCHEN")), "munchen");
    }

    #[test]
    fn names_are_shown_as_they_were_written_but_tidy() {
        for (written, shown) in [
            ("  New \u{2003}York ", "New York"),
            ("MU\u{308}NCHEN", "MÜNCHEN"),
            ("\u{200b}\u{a0}\u{feff}", ""),
            ("نجف\u{200c}آباد", "نجف\u{200c}آباد"),
            ("ab\u{200c}cd", "abcd"),
        ] {
            assert_eq!(tidy_name(written), shown, "{written:?}");
        }
        assert_eq!(tidy_id("v\u{200b}-1\u{a0} b"), "v-1 b");
        assert_eq!(tidy_id("Ve\u{2011}1"), "Ve-1", "ids keep their case");
    }

    #[test]
    fn misspelt_names_find_the_meant_ones() {
        let known = [
            ("Kochi", "Kochi"),
            ("Kochi", "Cochin"),
            ("Köln", "Köln"),
            ("Bengaluru", "Bangalore"),
            ("Mangaluru", "Mangalore"),
        ];
        for (written, expected) in [
            ("Kochin", &["Kochi"][..]),
            ("koln", &["Köln"]),
            ("Banglore", &["Bengaluru", "Mangaluru"]),
            ("Atlantis", &[]),
            ("", &[]),
        ] {
            assert_eq!(alike(written, known), expected, "{written}");
        }
    }

    proptest! {
        #[test]
        fn forms_are_final(text in any::<String>()) {
            let (name, id, key) = (tidy_name(&text), tidy_id(&text), name_key(&text));
            prop_assert_eq!(&tidy_name(&name), &name);
            prop_assert_eq!(&tidy_id(&id), &id);
            prop_assert_eq!(&name_key(&key), &key);
            prop_assert_eq!(&name_key(&name), &key);
            prop_assert_eq!(&name_key(&id), &key);
            prop_assert!(has_name_key(&text, &key));
        }

        #[test]
        fn spelling_of_spaces_and_case_does_not_matter(words in "[a-zäöüßéñçøåα-ω]{1,6}( [a-zäöü]{1,5}){0,2}") {
            let decomposed: String = words.nfd().collect();
            let spaced = format!("\u{3000}{}\u{200b} ", decomposed.replace(' ', " \u{a0}"));
            prop_assert_eq!(name_key(&spaced), name_key(&words));
            let upper = words.to_uppercase();
            prop_assert_eq!(name_key(&upper), name_key(&words));
            let composed: String = words.nfc().collect();
            prop_assert_eq!(tidy_name(&spaced), composed);
        }
    }
}
