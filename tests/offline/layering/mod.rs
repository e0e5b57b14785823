//! The walls that Cargo doesn't hold. It refuses what a room's manifest doesn't name; here the
//! manifests are held against the floors, the pure rooms against their words, and the inner rooms
//! and files against each other and their sizes.

mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use source::{Source, sources};

/// Folders of the rooms by floor, the lowest first. A room may depend on those below its own floor.
const FLOORS: [&[&str]; 6] = [
    &["model"],
    &["planning", "resilience", "wire"],
    &["catalog", "control", "documents", "llm", "store", "telemetry"],
    &["config"],
    &["actors"],
    &["ctl", "daemon"],
];

/// Rooms that decide, and touch nothing.
const PURE: [&str; 2] = ["model", "planning"];

/// How the names of packages begin that a pure room has no use for.
const FRAMEWORKS: [&str; 12] = [
    "actix", "bb8", "config", "futures", "nix", "reqwest", "rustix", "rustls", "slog", "sysinfo",
    "tempfile", "tokio",
];

/// Parts of paths that lead to the clock, the environment, files, sockets, processes or threads.
const IMPURE: [&str; 12] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "time::Instant",
    "time::SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "TimeZone::system",
];

const FILES_MAX: usize = 12;
const LINES_MAX: usize = 400;
/// Of a file for tests alone.
const TEST_LINES_MAX: usize = 450;

/// Longer than that, each with how far it may go.
const LONGER: [(&str, usize); 0] = [];

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folder(room: &str) -> PathBuf {
    project().join("src").join(room)
}

fn rooms() -> impl Iterator<Item = &'static str> {
    FLOORS.into_iter().flatten().copied()
}

/// The names before `=` under each heading of a manifest, as `(heading, name, rest)`.
fn manifest(path: &Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let mut heading = String::new();
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            heading = name.to_owned();
        } else if let Some((name, rest)) = line.split_once('=') {
            lines.push((heading.clone(), name.trim().to_owned(), rest.trim().to_owned()));
        }
    }
    lines
}

/// What a room's manifest depends on, for tests or not, by the names of `[workspace.dependencies]`.
fn dependencies(room: &str) -> Vec<String> {
    let lines = manifest(&folder(room).join("Cargo.toml"));
    let dependencies = lines.into_iter().filter(|(heading, ..)| heading.contains("dependencies"));
    let mut names = Vec::new();
    for (heading, name, rest) in dependencies {
        let named = name.strip_suffix(".workspace").filter(|_| rest == "true");
        let named = named.or_else(|| Some(name.as_str()).filter(|_| rest.contains("workspace")));
        let named = named
            .unwrap_or_else(|| panic!("{room}, [{heading}] {name}: not `… .workspace = true`"));
        names.push(named.to_owned());
    }
    names
}

#[test]
fn every_room_has_a_floor() {
    let folders: BTreeSet<String> = fs::read_dir(project().join("src"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "bin")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let expected = rooms().map(str::to_owned).collect();
    assert_eq!(folders, expected, "folders under src/, and rooms with a floor");
}

#[test]
fn dependencies_only_go_down() {
    let mut room_of = BTreeMap::new();
    for (heading, name, rest) in manifest(&project().join("Cargo.toml")) {
        let path = rest.split("path = \"src/").nth(1).and_then(|path| path.split('"').next());
        if let Some(room) = path.filter(|_| heading == "workspace.dependencies") {
            room_of.insert(name, room.to_owned());
        }
    }
    let named: BTreeSet<&str> = room_of.values().map(String::as_str).collect();
    assert_eq!(named, rooms().collect(), "rooms of [workspace.dependencies]");
    let floor_of = |room: &str| FLOORS.iter().position(|rooms| rooms.contains(&room));
    let mut wrong = Vec::new();
    for room in rooms() {
        let others = dependencies(room).into_iter().filter_map(|name| room_of.get(&name));
        let upwards = others.filter(|other| floor_of(other) >= floor_of(room));
        wrong.extend(upwards.map(|other| format!("{room} -> {other}")));
    }
    assert!(wrong.is_empty(), "sideways or upwards: {wrong:#?}");
}

#[test]
fn the_pure_rooms_touch_nothing() {
    let mut wrong = Vec::new();
    for room in PURE {
        let is_framework = |name: &String| FRAMEWORKS.iter().any(|start| name.starts_with(start));
        let frameworks = dependencies(room).into_iter().filter(is_framework);
        wrong.extend(frameworks.map(|name| format!("{room}/Cargo.toml: {name}")));
        for source in sources(&folder(room)).iter().filter(|source| !source.is_test) {
            let uses = source.uses.iter().map(|one| &one.path);
            for path in uses.chain(&source.paths) {
                let holds = |part: &&&str| {
                    let part: Vec<&str> = part.split("::").collect();
                    path.windows(part.len()).any(|window| window == part)
                };
                let found = IMPURE.iter().find(holds);
                wrong.extend(found.map(|part| format!("{room}/{}: {part}", source.path.display())));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Who names whom inside a room, with the files that do so. A folder is one inner room, a file
/// beside `lib.rs` too; `lib.rs` is the roof, and what it re-exports belongs to where it comes from.
type Arrows = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn arrows(room: &str) -> Arrows {
    let sources = sources(&folder(room));
    let inner: BTreeSet<&str> =
        sources.iter().filter_map(|source| source.module.first().map(String::as_str)).collect();
    let roof = sources.iter().find(|source| source.module.is_empty()).unwrap();
    let mut arrows = Arrows::new();
    for source in sources.iter().filter(|source| !source.is_test) {
        let Some(from) = source.module.first() else { continue };
        let uses = source.uses.iter().map(|one| &one.path);
        for path in uses.chain(&source.paths) {
            let Some(to) = inner_room(path, source, &inner, roof).filter(|to| to != from) else {
                continue;
            };
            let files = arrows.entry(from.clone()).or_default().entry(to).or_default();
            files.insert(format!("{room}/{} names {}", source.path.display(), path.join("::")));
        }
    }
    arrows
}

/// The inner room that a path leads to, if any.
fn inner_room(
    path: &[String],
    source: &Source,
    inner: &BTreeSet<&str>,
    roof: &Source,
) -> Option<String> {
    let supers = path.iter().take_while(|name| *name == "super").count();
    let behind = match path.first()?.as_str() {
        "crate" => path[1..].to_vec(),
        "super" => {
            let above = source.module.len().checked_sub(supers)?;
            [&source.module[..above], &path[supers..]].concat()
        }
        _ => return None,
    };
    let name = behind.first()?;
    if inner.contains(name.as_str()) {
        return Some(name.clone());
    }
    let brought_in = roof.uses.iter().find(|one| one.name == *name)?;
    let first = brought_in.path.iter().find(|name| !matches!(name.as_str(), "crate" | "self"))?;
    inner.contains(first.as_str()).then(|| first.clone())
}

/// The circles that are left when arrows are taken out one by one, each with its files.
fn circles(mut arrows: Arrows) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(circle) = circle(&arrows) {
        let mut told = circle.join(" -> ");
        for pair in circle.windows(2) {
            for file in &arrows[&pair[0]][&pair[1]] {
                told.push_str("\n    ");
                told.push_str(file);
            }
        }
        found.push(told);
        arrows.get_mut(&circle[0]).unwrap().remove(&circle[1]);
    }
    found
}

/// Goes along arrows until it comes by a place twice, over what every arrow leads on from.
fn circle(arrows: &Arrows) -> Option<Vec<String>> {
    let mut left = arrows.clone();
    let mut size = usize::MAX;
    while size > left.len() {
        size = left.len();
        let onward: BTreeSet<String> = left.keys().cloned().collect();
        left.values_mut().for_each(|to| to.retain(|to, _| onward.contains(to)));
        left.retain(|_, to| !to.is_empty());
    }
    let mut walked = vec![left.keys().next()?.clone()];
    loop {
        let next = left[walked.last()?].keys().next()?.clone();
        let seen = walked.iter().position(|name| *name == next);
        walked.push(next);
        if let Some(seen) = seen {
            return Some(walked.split_off(seen));
        }
    }
}

#[test]
fn inner_rooms_have_no_circle() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for room in rooms() {
        let arrows = arrows(room);
        count += arrows.values().map(BTreeMap::len).sum::<usize>();
        wrong.extend(circles(arrows).into_iter().map(|circle| format!("{room}: {circle}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} arrows found: does this test still read them?");
}

#[test]
fn a_circle_is_found_behind_what_leads_to_it() {
    let arrows: Arrows = [("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("d", "e"), ("f", "a")]
        .into_iter()
        .map(|(from, to)| {
            let files = [format!("{from}.rs names {to}")].into();
            (from.to_owned(), (to.to_owned(), files))
        })
        .fold(Arrows::new(), |mut all, (from, (to, files))| {
            all.entry(from).or_default().insert(to, files);
            all
        });
    let found = circles(arrows.clone());
    assert_eq!(found, ["b -> c -> d -> b\n    b.rs names c\n    c.rs names d\n    d.rs names b"]);
    let mut open = arrows;
    open.get_mut("d").unwrap().remove("b");
    assert_eq!(circles(open), [""; 0]);
}

#[test]
fn folders_and_files_stay_small() {
    let mut wrong = Vec::new();
    let mut folders: BTreeMap<(PathBuf, bool), usize> = BTreeMap::new();
    for room in rooms() {
        for source in sources(&folder(room)) {
            let path = Path::new("src").join(room).join(&source.path);
            let name = path.to_str().unwrap().to_owned();
            let limit = if source.is_test { TEST_LINES_MAX } else { LINES_MAX };
            let longer = LONGER.iter().find(|(longer, _)| *longer == name);
            if source.lines > longer.map_or(limit, |(_, limit)| *limit) {
                wrong.push(format!("{name}: {} lines", source.lines));
            } else if longer.is_some() && source.lines <= limit {
                wrong.push(format!("{name}: no longer long"));
            }
            *folders.entry((path.parent().unwrap().to_owned(), source.is_test)).or_default() += 1;
        }
    }
    let full = folders.into_iter().filter(|(_, count)| *count > FILES_MAX);
    wrong.extend(full.map(|((path, _), count)| format!("{}: {count} files", path.display())));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
