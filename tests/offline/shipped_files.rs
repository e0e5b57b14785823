//! Every file under etc/ and systemd/ is checked for what it promises; one that no check knows
//! fails.
//!
//! Files that are made from tables in the code are compared with them. After a change there,
//! `UPDATE_SHIPPED=1 cargo test --test offline shipped_files` writes them anew.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use eventplanner::{
    config::{LoadOptions, OLDER_NAMES, Settings, annotated_defaults},
    documents::FORMS,
    model::{Request, known_cities},
    telemetry::{
        alerts::{ALERTS, prometheus_rules},
        figures::metrics,
        log::events,
    },
};
use jiff::Timestamp;

/// 2027-06-01: samples must be valid whenever they are read.
const NOW: i64 = 1_811_808_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files_below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn load(file: Option<&str>, profile: Option<&str>) -> Settings {
    let options = LoadOptions {
        file: file.map(|name| root().join(name)),
        profile: profile.map(|name| root().join(name).display().to_string()),
        is_root: true,
        ..LoadOptions::default()
    };
    Settings::load(&options).unwrap_or_else(|e| panic!("{file:?} {profile:?}:\n{e}"))
}

/// Compares a file with the text it is made of, or writes it.
fn holds(name: &str, expected: &str) {
    let path = root().join(name);
    if std::env::var_os("UPDATE_SHIPPED").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap();
    for (i, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "{name}, line {}; see the head of this test", i + 1);
    }
    assert_eq!(found, expected, "{name}; see the head of this test");
}

#[test]
fn every_file_under_etc_has_its_check() {
    for path in files_below(&root().join("etc")) {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        match name.as_str() {
            "etc/eventplanner.toml" => {
                holds(&name, &annotated_defaults());
                assert_eq!(load(Some(&name), None), load(None, None));
            }
            "etc/log-events.md" => holds(&name, &events::document()),
            "etc/setup.sh" => shell_script(&path),
            // Line by line: the tests of src/model/places/gazetteer.rs.
            "etc/cities.csv" => assert!(known_cities().len() >= 200),
            // Against the routes and the replies: tests/daemon/openapi.rs.
            "etc/openapi.json" => drop(json(&path)),
            "etc/alerting/prometheus-rules.yaml" => {
                holds(&name, &prometheus_rules());
                alerting(&name, &path);
            }
            _ if name.starts_with("etc/alerting/") => alerting(&name, &path),
            _ if name.starts_with("etc/man/") => man_page(&path),
            _ if name.starts_with("etc/debian/") => maintainer_file(&path),
            _ if name.starts_with("etc/profiles/") => profile(&name),
            "etc/sample/vendors.json" => vendors(&path),
            _ if name.starts_with("etc/sample/") && name.ends_with(".json") => request(&path),
            _ => panic!("{name}: nothing here checks it"),
        }
    }
}

/// Complete, so that a profile means the same over any file; and about no one machine. Its head and
/// its values are its own; a new setting comes in with its default.
fn profile(name: &str) {
    let mut settings = load(None, Some(name));
    let text = fs::read_to_string(root().join(name)).unwrap();
    let head: String =
        text.split_inclusive('\n').take_while(|line| !line.starts_with('[')).collect();
    holds(name, &(head + &settings.to_profile()));
    settings.profile = None;
    assert_ne!(settings, load(None, None), "{name} changes nothing");
}

fn json(path: &Path) -> serde_json::Value {
    let text = fs::read_to_string(path).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Rules of tools that are not here: each file is read as what it is, and names only metrics,
/// events and alerts that exist.
fn alerting(name: &str, path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => drop(json(path)),
        Some("yaml" | "toml" | "conf" | "md") => assert!(!text.trim().is_empty(), "{name}"),
        _ => panic!("{name}: nothing here checks it"),
    }
    assert!(!text.contains('\t') || name.ends_with(".md"), "{name}: a tab");
    let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit();
    for (at, _) in text.match_indices("eventplanner_") {
        let named: String = text[at..].chars().take_while(|c| plain(*c)).collect();
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| named.strip_suffix(end));
        let known = metrics::ALL
            .iter()
            .any(|metric| metric.name == named || base.is_some_and(|base| metric.name == base));
        assert!(known, "{name}: there is no metric {named}");
    }
}

/// Every alert has its section in the handbook, since its runbook line sends people there.
fn man_page(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with(".\\\"") && text.contains(".TH "), "{}", path.display());
    if path.ends_with("eventplanner-alerts.7") {
        for rule in ALERTS.iter().map(|rule| rule.name) {
            assert!(text.contains(&format!("\n.SS {rule}\n")), "no section for {rule}");
        }
        assert!(text.contains("\n.SS service_failed\n"));
    }
}

fn maintainer_file(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    if text.starts_with("#!/bin/sh") {
        let checked = Command::new("sh").arg("-n").arg(path).output().unwrap();
        let errors = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {errors}", path.display());
        assert!(text.contains("set -e"), "{}", path.display());
    }
}

fn shell_script(path: &Path) {
    let checked = Command::new("sh").arg("-n").arg(path).output().unwrap();
    let errors = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success(), "{}: {errors}", path.display());
    assert_executable(path);
}

fn assert_executable(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "{} must be executable", path.display());
}

fn request(path: &Path) {
    let json = fs::read(path).unwrap();
    for days in [0, 400, 4_000] {
        let now = Timestamp::from_second(NOW + days * 86_400).unwrap();
        Request::parse(&json, now).unwrap_or_else(|e| panic!("{}:\n{e}", path.display()));
    }
}

/// At least 600 vendors of 8 categories in 3 cities, each id once.
fn vendors(path: &Path) {
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let distinct = |field: &str| -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in &rows {
            let text = row[field].as_str().unwrap_or_else(|| panic!("no {field}: {row}"));
            *counts.entry(text.to_owned()).or_default() += 1;
        }
        counts
    };
    assert!(rows.len() >= 600, "{} vendors", rows.len());
    assert_eq!(distinct("external_id").len(), rows.len(), "an id stands twice");
    assert_eq!((distinct("category").len(), distinct("city").len()), (8, 3));
}

#[test]
fn the_ci_script_is_sound() {
    let path = root().join(".ci/run");
    let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    assert_executable(&path);
    let text = fs::read_to_string(&path).unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let tests = "./etc/setup.sh && cargo test";
    for line in [tests, "cargo fmt --check", "set -euo pipefail"] {
        assert!(text.contains(line), "{line}");
    }
    assert!(readme.contains(tests), "the README's test command is CI's");
}

/// What the daemon relies on, and what its peers expect of a service.
const UNIT_LINES: [&str; 14] = [
    "Type=notify",
    "ExecStart=/usr/bin/eventplannerd run --config /etc/eventplanner/eventplanner.toml",
    "User=eventplanner",
    "Restart=on-failure",
    "WatchdogSec=30",
    "KillMode=mixed",
    "StateDirectory=eventplanner",
    "RuntimeDirectory=eventplanner",
    "ConfigurationDirectory=eventplanner",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "SystemCallFilter=@system-service",
    "WantedBy=multi-user.target",
];

#[test]
fn every_systemd_file_has_its_check() {
    for path in files_below(&root().join("systemd")) {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        match name {
            "systemd/eventplannerd.service" => {
                unit_file(name, &text);
                for line in UNIT_LINES {
                    assert!(text.lines().any(|found| found == line), "{name} lacks {line}");
                }
            }
            "systemd/eventplannerd.socket" | "systemd/eventplannerd-alert@.service" => {
                unit_file(name, &text);
            }
            "systemd/tmpfiles.d/eventplanner.conf" => {
                let is_sound = |line: &str| line.starts_with(['#', 'd']);
                assert!(text.lines().all(is_sound), "{name}");
            }
            "systemd/sysusers.d/eventplanner.conf" => {
                assert!(text.lines().any(|line| line.starts_with("u eventplanner ")), "{name}");
            }
            _ if name.starts_with("systemd/drop-ins/") => unit_file(name, &text),
            _ => panic!("{name}: nothing here checks it"),
        }
    }
}

/// Sections, comments and `Key=value` lines; no key is given twice unless it makes a list.
fn unit_file(name: &str, text: &str) {
    let lists = ["SystemCallFilter", "Environment", "IPAddressAllow", "ExecStart"];
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '['])) {
        let (key, _) = line.split_once('=').unwrap_or_else(|| panic!("{name}: {line}"));
        assert!(key.chars().all(|c| c.is_ascii_alphanumeric()), "{name}: {line}");
        assert!(seen.insert(key) || lists.contains(&key), "{name}: {key} twice");
    }
    assert!(text.contains("[Service]") || text.contains("[Socket]"), "{name}");
}

#[test]
fn the_readme_lists_every_older_name() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for (name, key) in OLDER_NAMES {
        let setting = if key == "profile" { "the profile".to_owned() } else { format!("`{key}`") };
        let row = format!("| `{name}` | {setting} |");
        assert!(readme.contains(&row), "README.md lacks {row}");
    }
}

/// The line that fetches a plan's documents names each of them.
#[test]
fn the_readme_names_every_document() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find(|line| line.contains("plan documents ID")).unwrap();
    let (_, told) = line.split_once("# ").unwrap();
    let names: Vec<&str> = FORMS.iter().map(|form| form.name).collect();
    assert_eq!(told, names.join(", "));
}
