//! From merged layers to checked [`Settings`]: every refused key is named, all at once.

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};

use crate::{
    LoadOptions,
    error::{Problem, SettingsError},
    settings::Settings,
    sources::{
        endpoints::{self, DEFAULT_OLLAMA_MODEL, MAX_ENDPOINTS, new_endpoint},
        environment::ollama,
        layers::merge,
        paths::resolve_paths,
    },
    table::{
        check::check,
        key::Key,
        keys::{ENDPOINT_KEYS, keys},
        sections::SECTIONS,
    },
};
use llm::settings::{EndpointSettings, ServerKind};

const ENDPOINTS: &str = "llm.endpoints";

impl Settings {
    /// Reads, merges and checks all layers: file < profile < environment.
    ///
    /// # Errors
    /// A file that cannot be read or is no TOML; else every refused key, with its value (unless
    /// it is a secret), its range and its source.
    pub fn load(options: &LoadOptions) -> Result<Self, SettingsError> {
        let merged = merge(options)?;
        let mut flat = BTreeMap::new();
        flatten("", &merged.values, &mut flat);
        let mut settings = Self { profile: merged.profile, ..Self::default() };
        let mut problems = Vec::new();
        for (name, value) in &flat {
            read_one(name, value, &mut settings, &mut problems);
        }
        add_ollama(&mut settings.llm.endpoints, &options.environment);
        endpoints::fill_in(&mut settings.llm.endpoints);
        resolve_paths(&mut settings, options);
        // A refused value left its default: checks across keys would name the wrong one.
        if problems.is_empty() {
            let unsourced = check(&settings).into_iter();
            problems = unsourced
                .map(|(key, message)| Problem { source: source_of(&flat, &key), key, message })
                .collect();
        }
        if problems.is_empty() { Ok(settings) } else { Err(SettingsError::Invalid(problems)) }
    }
}

/// Sections into dotted keys; `llm.endpoints` stays a list.
fn flatten<'a>(
    prefix: &str,
    table: &'a Map<String, Value>,
    flat: &mut BTreeMap<String, &'a Value>,
) {
    for (name, value) in table {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match &value.kind {
            ValueKind::Table(inner) => flatten(&path, inner, flat),
            _ => {
                flat.insert(path, value);
            }
        }
    }
}

fn read_one(name: &str, value: &Value, settings: &mut Settings, problems: &mut Vec<Problem>) {
    if name == "profile" {
        // Was needed before the layers could be merged.
        if !matches!(value.kind, ValueKind::String(_)) {
            problems.push(problem(name, "is no name of a profile".into(), value));
        }
    } else if name == ENDPOINTS {
        read_endpoints(value, &mut settings.llm.endpoints, problems);
    } else if let Some(key) = keys().find(|key| key.name == name) {
        read_key(name, key, value, settings, problems);
    } else {
        let known: Vec<_> = keys().map(|key| key.name).collect();
        problems.push(problem(name, unknown(name, &known), value));
    }
}

fn read_key<T>(
    name: &str,
    key: &Key<T>,
    value: &Value,
    target: &mut T,
    problems: &mut Vec<Problem>,
) {
    match key.kind.read(&value.kind) {
        Ok(read) => {
            if !key.set(target, read) {
                problems.push(problem(name, "is too large".into(), value));
            }
        }
        Err(message) => {
            let unit = if key.unit.is_empty() { String::new() } else { format!(" {}", key.unit) };
            problems.push(problem(name, message + &unit, value));
        }
    }
}

fn read_endpoints(
    value: &Value,
    endpoints: &mut Vec<EndpointSettings>,
    problems: &mut Vec<Problem>,
) {
    let ValueKind::Array(items) = &value.kind else {
        return problems.push(problem(ENDPOINTS, "write [[llm.endpoints]] sections".into(), value));
    };
    if items.len() > MAX_ENDPOINTS {
        let message = format!("{} endpoints; at most {MAX_ENDPOINTS}", items.len());
        return problems.push(problem(ENDPOINTS, message, value));
    }
    for (i, item) in items.iter().enumerate() {
        let mut endpoint = new_endpoint();
        let ValueKind::Table(table) = &item.kind else {
            problems.push(problem(
                &format!("{ENDPOINTS}[{i}]"),
                "is no section; endpoints are numbered from 0 without gaps".into(),
                item,
            ));
            continue;
        };
        let sorted: BTreeMap<_, _> = table.iter().collect();
        for (name, value) in sorted {
            let path = format!("{ENDPOINTS}[{i}].{name}");
            match ENDPOINT_KEYS.iter().find(|key| key.short_name() == name) {
                Some(key) => read_key(&path, key, value, &mut endpoint, problems),
                None => {
                    let known: Vec<_> = ENDPOINT_KEYS.iter().map(|key| key.short_name()).collect();
                    problems.push(problem(&path, unknown(name, &known), value));
                }
            }
        }
        endpoints.push(endpoint);
    }
}

/// `OLLAMA_BASE_URL` and `OLLAMA_MODEL` adjust the first ollama endpoint, or make one.
fn add_ollama(endpoints: &mut Vec<EndpointSettings>, environment: &BTreeMap<String, String>) {
    let (url, model) = ollama(environment);
    if let Some(first) = endpoints.iter_mut().find(|e| e.kind == ServerKind::Ollama) {
        if let Some(url) = url {
            first.base_url = url.into();
        }
        if let Some(model) = model {
            first.model = model.into();
        }
    } else if let Some(url) = url {
        endpoints.push(EndpointSettings {
            base_url: url.into(),
            model: model.unwrap_or(DEFAULT_OLLAMA_MODEL).into(),
            ..new_endpoint()
        });
    }
}

fn problem(key: &str, message: String, value: &Value) -> Problem {
    Problem { key: key.into(), message, source: value.origin().unwrap_or_default().into() }
}

/// Where the key's value came from; nothing where it is the default.
fn source_of(flat: &BTreeMap<String, &Value>, key: &str) -> String {
    let found = flat.get(key).or_else(|| flat.get(key.split('[').next().unwrap_or(key)));
    found.and_then(|value| value.origin()).unwrap_or_default().into()
}

/// Similarity from which a known key is worth a suggestion.
const SIMILAR: f64 = 0.85;

fn unknown(name: &str, known: &[&str]) -> String {
    if SECTIONS.iter().any(|section| section.name == name) {
        return "is a section; set one of its keys".into();
    }
    let likeness = |candidate: &&&str| strsim::jaro_winkler(name, candidate);
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match best.filter(|candidate| likeness(candidate) >= SIMILAR) {
        Some(candidate) => format!("is no setting; did you mean `{candidate}`?"),
        None => "is no setting; `eventplannerd print-config` lists them all".into(),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use super::*;
    use crate::annotated_defaults;

    fn options(environment: &[(&str, &str)]) -> LoadOptions {
        let pairs = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        LoadOptions { environment: pairs.collect(), is_root: true, ..LoadOptions::default() }
    }

    fn with_file(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.toml");
        fs::write(&path, text).unwrap();
        let options = LoadOptions { file: Some(path), ..options(environment) };
        let shown = |e: SettingsError| e.to_string().replace(&dir.path().display().to_string(), "");
        Settings::load(&options).map_err(shown)
    }

    #[test]
    fn file_then_profile_then_environment() {
        let text = "profile = \"performance\"\n[database]\npool_size = 7\nurl = \"host=h\"\n";
        let settings = with_file(text, &[]).unwrap();
        assert_eq!(settings.database.pool_size, 25, "the profile wins over the file");
        assert_eq!(settings.database.url, "host=h", "a profile names no site");
        let older = [("DB_POOL_SIZE", "30"), ("DB_QUERY_CACHE_TTL", "5m"), ("DB_LOCK_TIMEOUT", "")];
        let settings = with_file(text, &older).unwrap();
        assert_eq!(settings.database.pool_size, 30, "the environment wins over the profile");
        assert_eq!(settings.database.query_cache_ttl, Duration::from_secs(300));
        let both = [("EVENTPLANNER__DATABASE__POOL_SIZE", "31"), ("DB_POOL_SIZE", "30")];
        assert_eq!(with_file(text, &both).unwrap().database.pool_size, 31, "newer names win");
        let other = with_file(text, &[("EVENTPLANNER_PROFILE", "development")]).unwrap();
        assert_eq!(other.profile.as_deref(), Some("development"));
    }

    #[test]
    fn every_refused_key_is_named_with_value_range_and_source() {
        let text = "[database]\npool_size = 0\npool_sze = 3\n[llm]\ntimeout = true\n\
                    [[llm.endpoints]]\nkind = \"gpt\"\nmodle = \"m\"\n";
        let environment = [("BEAM_WIDTH", "many"), ("EVENTPLANNER__SEARCH", "fast")];
        let error = with_file(text, &environment).unwrap_err();
        let expected = "\
database.pool_size: `0` is not allowed; expected 1 to 100 connections (from /s.toml)
database.pool_sze: is no setting; did you mean `database.pool_size`? (from /s.toml)
llm.endpoints[0].kind: `gpt` is not allowed; expected one of ollama, openai, rules (from /s.toml)
llm.endpoints[0].modle: is no setting; did you mean `model`? (from /s.toml)
llm.timeout: `true` is not allowed; expected 1s to 1h (from /s.toml)
search: is a section; set one of its keys (from environment variable EVENTPLANNER__SEARCH)";
        assert_eq!(error, expected);
        let error = with_file("", &[("BEAM_WIDTH", "many")]).unwrap_err();
        assert!(error.contains("(from environment variable BEAM_WIDTH)"), "{error}");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        let text = "[workflow]\nagent_timeout = \"30m\"\n[alerts.cpu]\nwarning = 90\n\
                    [search]\nmin_rounds_before_termination = 20\n\
                    [[llm.endpoints]]\nmodel = \"\"\nparallel = 11\n";
        let error = with_file(text, &[]).unwrap_err();
        for part in [
            "llm.endpoints[0].parallel: must not exceed llm.max_connections (10) (from /s.toml)",
            "llm.endpoints[0].model: is missing; name a model that the server has (from /s.toml)",
            "workflow.agent_timeout: must not exceed workflow.workflow_timeout (from /s.toml)",
            "search.min_rounds_before_termination: must not exceed search.max_rounds (15)",
            "alerts.cpu.critical: must not lie below alerts.cpu.warning (90)",
        ] {
            assert!(error.contains(part), "{part} not in:\n{error}");
        }
        let long = "x".repeat(120);
        let error = with_file("", &[("EVENTPLANNER__CONTROL__SOCKET", &format!("/{long}"))]);
        assert!(error.unwrap_err().contains("control.socket: the path has 121 bytes"));
    }

    #[test]
    fn files_that_cannot_be_read_say_why() {
        assert!(with_file("[database\n", &[]).unwrap_err().contains("/s.toml is no valid TOML"));
        let missing = LoadOptions { file: Some("/nowhere/s.toml".into()), ..options(&[]) };
        let error = Settings::load(&missing).unwrap_err().to_string();
        assert!(error.contains("cannot read settings file /nowhere/s.toml"), "{error}");
        let unknown = LoadOptions { profile: Some("fast".into()), ..options(&[]) };
        let error = Settings::load(&unknown).unwrap_err().to_string();
        assert_eq!(error, "no profile `fast`: name one of development, performance, or a path");
    }

    #[test]
    fn an_address_alone_makes_an_ollama_endpoint() {
        let alone = Settings::load(&options(&[("OLLAMA_BASE_URL", "http://gpu:11434/")])).unwrap();
        let [endpoint] = &alone.llm.endpoints[..] else { panic!("{:?}", alone.llm.endpoints) };
        assert_eq!(endpoint.kind, ServerKind::Ollama);
        assert_eq!((&*endpoint.name, &*endpoint.base_url), ("ollama", "http://gpu:11434"));
        assert_eq!(endpoint.model, DEFAULT_OLLAMA_MODEL);
        let text = "[[llm.endpoints]]\nmodel = \"m\"\n[[llm.endpoints]]\nmodel = \"n\"\n";
        let both = with_file(text, &[("OLLAMA_BASE_URL", "http://gpu:11434")]).unwrap();
        let urls: Vec<_> = both.llm.endpoints.iter().map(|e| e.base_url.as_str()).collect();
        assert_eq!(urls, ["http://gpu:11434", "http://127.0.0.1:11434"]);
        let by_index = [("EVENTPLANNER__LLM__ENDPOINTS__0__MODEL", "q")];
        assert_eq!(with_file("", &by_index).unwrap().llm.endpoints[0].model, "q");
    }

    #[test]
    fn what_is_printed_loads_again() {
        let environment = [("DB_POOL_SIZE", "30"), ("OLLAMA_BASE_URL", "http://gpu:1")];
        let settings = with_file("[control]\nadmin_uids = [7]\n", &environment).unwrap();
        assert_eq!(with_file(&settings.to_toml(), &[]).unwrap(), settings);
        let url = [("DATABASE_URL", "postgresql://u:s3cret@h/d")];
        let printed = Settings::load(&options(&url)).unwrap().to_toml();
        assert!(printed.contains("url = \"postgresql://u:***@h/d\""), "{printed}");
        assert_eq!(with_file(&annotated_defaults(), &[]), with_file("", &[]));
    }
}
