//! What stays of a plan once the personal data in it are to be forgotten.

use crate::{Client, Infeasibility, Note, Request};

/// Stands where the client's name, or a name that the client gave, stood.
const ERASED: &str = "erased";
/// Stands where a sentence held one of the client's words.
const SENTENCE: &str = "a sentence with the client's words was erased";

/// The client's own words that a request held, to be found where they were repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Lower case.
    words: Vec<String>,
}

impl Erasure {
    /// Takes the client, the vision and every free text out of a request: the names of
    /// activities and functions, and the places that activities happen at. Times, figures and
    /// services stay.
    pub fn of(request: &mut Request) -> Self {
        let mut words = Vec::new();
        request.client = Client { name: ERASED.to_owned(), email: None, phone: None };
        request.vision.clear();
        let of_functions = request.functions.iter_mut().flat_map(|f| f.anchors.iter_mut());
        for anchor in request.anchors.iter_mut().chain(of_functions) {
            words.push(std::mem::replace(&mut anchor.activity, ERASED.to_owned()));
            anchor.location = None;
        }
        for (i, function) in request.functions.iter_mut().enumerate() {
            words.push(std::mem::replace(&mut function.name, format!("function {}", i + 1)));
        }
        words.iter_mut().for_each(|word| *word = word.trim().to_lowercase());
        words.retain(|word| !word.is_empty());
        words.sort_unstable();
        words.dedup();
        Self { words }
    }

    /// Replaces the sentences that repeat one of the words.
    pub fn infeasibility(&self, infeasibility: &mut Infeasibility) {
        infeasibility.conflicts.iter_mut().for_each(|text| self.sentence(text));
        for relaxation in &mut infeasibility.relaxations {
            self.sentence(&mut relaxation.advice);
            self.sentence(&mut relaxation.value);
        }
        if let Some(none) = &mut infeasibility.no_way_out {
            self.sentence(&mut none.statement);
            none.tried.iter_mut().for_each(|text| self.sentence(text));
        }
    }

    /// Replaces the sentences that repeat one of the words.
    pub fn notes(&self, notes: &mut [Note]) {
        notes.iter_mut().for_each(|note| self.sentence(&mut note.message));
    }

    /// Replaces a sentence that repeats one of the words.
    pub fn sentence(&self, text: &mut String) {
        let lower = text.to_lowercase();
        if self.words.iter().any(|word| lower.contains(word)) {
            SENTENCE.clone_into(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{
        "client": {"name": "Anna", "email": "anna@example.org"}, "event_type": "wedding",
        "date": "2027-06-19", "start": "16:00", "time_zone": "Asia/Kolkata", "hours": 8,
        "city": "Bengaluru", "guests": 200, "budget": {"amount": "800000", "currency": "INR"},
        "vision": "as Ben dreamt it",
        "functions": [
            {"name": "Anna's sangeet", "anchors": [{"activity": "Ben's song", "at": "18:00",
             "location": {"lat": 12.9, "lon": 77.6}}]},
            {"name": "wedding", "date": "2027-06-20"}
        ]
    }"#;

    #[test]
    fn no_word_of_the_client_stays_and_the_figures_do() {
        let mut request =
            Request::parse(DOCUMENT.as_bytes(), "2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
        let before = request.clone();
        let erasure = Erasure::of(&mut request);
        let text = serde_json::to_string(&request).unwrap();
        for word in ["Anna", "Ben'", "dreamt", "sangeet", "12.9", "example.org"] {
            assert!(!text.contains(word), "{word} in {text}");
        }
        assert_eq!(request.functions[1].name, "function 2");
        assert_eq!(request.functions[0].anchors[0].at, before.functions[0].anchors[0].at);
        assert_eq!((request.guests, &request.time), (before.guests, &before.time));

        let mut again = request.clone();
        Erasure::of(&mut again);
        assert_eq!(again, request, "erasing twice changes nothing more");

        let mut told = Infeasibility {
            conflicts: vec!["ANNA'S SANGEET: no time".into(), "the budget is too small".into()],
            relaxations: Vec::new(),
            no_way_out: None,
        };
        erasure.infeasibility(&mut told);
        assert_eq!(told.conflicts, [SENTENCE, "the budget is too small"]);
        let mut notes =
            [Note { code: "late".into(), message: "Ben's song ends early, at 18:00".into() }];
        erasure.notes(&mut notes);
        assert_eq!(notes[0].message, SENTENCE);
    }
}
