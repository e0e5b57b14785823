//! Problem files at their edges: what `solve` refuses and how it says so, ties, and the export of
//! plans.

mod brute;
mod export;
mod ties;

use std::{fs, path::Path};

use common::daemon::{json_of, solve, stderr_of};
use serde_json::Value;

fn cases(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/solve").join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn base() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/edges/solve/base.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The file that a case describes.
fn file_of(case: &Value) -> Vec<u8> {
    let text = |key: &str| case[key].as_str().unwrap_or_default().as_bytes().to_vec();
    if let Some(bytes) = case["bytes"].as_array() {
        return bytes.iter().map(|byte| byte.as_u64().unwrap() as u8).collect();
    }
    if let Some(parts) = case["repeat"].as_array() {
        let part =
            |part: &Value| part[0].as_str().unwrap().repeat(part[1].as_u64().unwrap() as usize);
        return parts.iter().map(part).collect::<String>().into_bytes();
    }
    if case["text"].is_string() {
        return text("text");
    }
    let mut document = base();
    for (pointer, value) in case["set"].as_object().into_iter().flatten() {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(entries) => entries[key.parse::<usize>().unwrap()] = value.clone(),
            _ => parent[key] = value.clone(),
        }
    }
    [text("before"), document.to_string().into_bytes(), text("after")].concat()
}

/// Every line names a field, says what is wrong, and what to write instead.
#[test]
fn broken_files_are_refused_by_their_field() {
    let mut wrong = Vec::new();
    let all = [cases("refused_text.json"), cases("refused_fields.json")].concat();
    for case in &all {
        let what = case["what"].as_str().unwrap();
        let output = solve(what, &file_of(case));
        let said = stderr_of(&output);
        let field = format!("error: {}: ", case["field"].as_str().unwrap());
        let words = case["says"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
        let says = words.clone().all(|word| said.contains(word));
        let is_refused = output.status.code() == Some(1) && output.stdout.is_empty();
        let has_remedy = said.lines().all(|line| line.contains("; "));
        if !(is_refused && said.starts_with(&field) && says && has_remedy && said.len() < 4_000) {
            wrong.push(format!("{what}: {:?} {said}", output.status.code()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn whole_files_are_answered() {
    for case in cases("answered.json") {
        let what = case["what"].as_str().unwrap();
        let answer = json_of(&solve(what, &file_of(&case)));
        let options = answer["options"].as_array().unwrap();
        let ids: Vec<Value> = options.iter().map(|option| option["ids"].clone()).collect();
        assert_eq!(Value::from(ids), case["ids"], "{what}: {answer}");
        for (option, value) in options.iter().zip(case["values"].as_array().unwrap()) {
            let (found, value) = (option["value"].as_f64().unwrap(), value.as_f64().unwrap());
            assert!((found - value).abs() <= 1e-12 * value.abs().max(1.0), "{what}: {answer}");
        }
        assert_eq!(answer["feasible"], !options.is_empty(), "{what}: {answer}");
        assert_eq!(answer["options_proven"], true, "{what}: {answer}");
        if let Some(first) = options.first() {
            assert_eq!(answer["upper_bound"], first["value"], "{what}: {answer}");
            assert_eq!(answer["proven_gap"], 0.0, "{what}: {answer}");
        }
        if let Some(fewer) = case["fewer"].as_bool() {
            assert_eq!(answer["fewer_differences"], fewer, "{what}: {answer}");
        }
    }
}

/// Files of the right shape that ask for more than can be weighed, and the largest that don't.
#[test]
fn size_is_bounded() {
    let candidate = |id: String, signature: usize| {
        format!(r#"{{"id":"{id}","value":[0.5],"use":[1],"signature":{signature}}}"#)
    };
    let category = |name: &str, count: usize| {
        let all: Vec<String> = (0..count).map(|i| candidate(format!("{name}{i}"), 0)).collect();
        format!(r#"{{"name":"{name}","candidates":[{}]}}"#, all.join(","))
    };
    // Each of 3,000 in one category excludes one of 3,000 in the other.
    let pairs: Vec<String> = (0..3_000).map(|i| format!(r#"["a{i}","b{i}"]"#)).collect();
    let file = format!(
        r#"{{"categories":[{},{}],"limits":[9],"forbidden_pairs":[{}]}}"#,
        category("a", 3_000),
        category("b", 3_000),
        pairs.join(",")
    );
    let output = solve("many kinds", file.as_bytes());
    let said = stderr_of(&output);
    assert!(said.starts_with("error: forbidden_pairs: 9000000 pairs"), "{said}");
    assert!(said.contains("4000000 are handled"), "{said}");

    // Chains over three categories exclude everybody else.
    let ties: Vec<String> =
        (0..400).map(|i| format!(r#"["a{i}","b{i}"],["b{i}","c{i}"]"#)).collect();
    let file = format!(
        r#"{{"categories":[{},{},{}],"limits":[9],"ties":[{}]}}"#,
        category("a", 1_000),
        category("b", 1_000),
        category("c", 1_000),
        ties.join(",")
    );
    let output = solve("long chains", file.as_bytes());
    let said = stderr_of(&output);
    assert!(said.starts_with("error: ties: ") && said.contains("1600000 forbidden"), "{said}");

    // As many categories as there may be.
    let all: Vec<String> = (0..1_000).map(|c| category(&format!("c{c}-"), 2)).collect();
    let file = format!(
        r#"{{"categories":[{}],"limits":[1500],"options":1,"min_difference":1}}"#,
        all.join(",")
    );
    let output = solve("many categories", file.as_bytes());
    assert_eq!(json_of(&output)["options"][0]["value"], 500.0, "{output:?}");

    // 100,000 candidates that exclude nobody.
    let file = format!(
        r#"{{"categories":[{},{}],"limits":[9]}}"#,
        category("a", 50_000),
        category("b", 50_000)
    );
    let output = solve("many candidates", file.as_bytes());
    assert_eq!(json_of(&output)["options"].as_array().unwrap().len(), 3, "{output:?}");
}
