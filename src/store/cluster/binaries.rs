//! Finds PostgreSQL's server programs.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::StoreError;

/// Where distributions put them, one directory per major version.
const VERSIONED: [(&str, &str); 2] = [("/usr/lib/postgresql", "bin"), ("/usr", "bin")];

/// A directory with `postgres` and `initdb`, and their major version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerBinaries {
    pub directory: PathBuf,
    pub major: u32,
}

impl ServerBinaries {
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether the server can load it, as far as the usual place beside its programs tells.
    pub(crate) fn has_library(&self, name: &str) -> bool {
        let home = self.directory.parent();
        home.is_some_and(|home| home.join("lib").join(format!("{name}.so")).exists())
    }
}

/// Searches `setting` alone where it is given; else PATH, then the usual places, newest first.
/// A data directory can only be opened by the major version that made it: `wanted_major`.
///
/// # Errors
/// `NoServer` that names what was searched and the package to install.
pub(crate) fn find_server(
    setting: Option<&Path>,
    wanted_major: Option<u32>,
) -> Result<ServerBinaries, StoreError> {
    if let Some(directory) = setting {
        let searched = format!("database.bin_dir = {}", directory.display());
        let found = probe(directory).ok_or_else(|| StoreError::NoServer {
            searched: searched.clone(),
            remedy: "the directory must hold `postgres` and `initdb`".to_owned(),
        })?;
        return match wanted_major {
            Some(major) if major != found.major => Err(StoreError::NoServer {
                searched: format!("{searched} is version {}", found.major),
                remedy: format!("this state directory was made by PostgreSQL {major}"),
            }),
            _ => Ok(found),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = usual_directories();
    let candidates = std::env::split_paths(&path).chain(usual);
    let fits = |found: &ServerBinaries| wanted_major.is_none_or(|major| major == found.major);
    candidates.filter_map(|directory| probe(&directory)).find(fits).ok_or_else(|| {
        let searched = "PATH and /usr/lib/postgresql/*/bin were searched".to_owned();
        let remedy = match wanted_major {
            None => "install the package `postgresql` (Debian, Ubuntu) or `postgresql-server`, \
                     or set database.bin_dir"
                .to_owned(),
            Some(major) => format!(
                "this state directory was made by PostgreSQL {major}: install the package \
                 `postgresql-{major}`, or set database.bin_dir"
            ),
        };
        StoreError::NoServer { searched, remedy }
    })
}

fn probe(directory: &Path) -> Option<ServerBinaries> {
    let postgres = directory.join("postgres");
    if !postgres.is_file() || !directory.join("initdb").is_file() {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let major = major_version(&String::from_utf8_lossy(&output.stdout))?;
    Some(ServerBinaries { directory: real_directory(directory), major })
}

/// Where the programs lie themselves, if `directory` only has links to them: their libraries are
/// beside them.
fn real_directory(directory: &Path) -> PathBuf {
    let postgres = directory.join("postgres").canonicalize().ok();
    let real = postgres.as_deref().and_then(Path::parent);
    let complete = real.filter(|real| real.join("initdb").is_file());
    complete.unwrap_or(directory).to_owned()
}

/// `postgres (PostgreSQL) 15.14 (Debian …)` → 15; `17beta1` → 17.
fn major_version(text: &str) -> Option<u32> {
    let version = text.split_once("(PostgreSQL)")?.1.trim_start();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// `/usr/lib/postgresql/17/bin`, `/usr/pgsql-17/bin` …, newest first.
fn usual_directories() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, bin) in VERSIONED {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        for entry in entries {
            if let Some(version) = version_of_directory(&entry.file_name()) {
                found.push((version, entry.path().join(bin)));
            }
        }
    }
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, directory)| directory).collect()
}

fn version_of_directory(name: &OsStr) -> Option<u32> {
    let name = name.to_str()?;
    name.strip_prefix("pgsql-").unwrap_or(name).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        for (text, major) in [
            ("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n", Some(15)),
            ("postgres (PostgreSQL) 18beta2\n", Some(18)),
            ("postgres 15", None),
        ] {
            assert_eq!(major_version(text), major, "{text}");
        }
        assert_eq!(version_of_directory(OsStr::new("pgsql-16")), Some(16));
        assert_eq!(version_of_directory(OsStr::new("17")), Some(17));
        assert_eq!(version_of_directory(OsStr::new("bin")), None);
    }

    #[test]
    fn links_to_a_server_are_followed_to_its_libraries() {
        let server = find_server(None, None).unwrap();
        let links = tempfile::tempdir().unwrap();
        for name in ["postgres", "initdb"] {
            std::os::unix::fs::symlink(server.program(name), links.path().join(name)).unwrap();
        }
        assert_eq!(find_server(Some(links.path()), None).unwrap(), server);
        assert!(server.has_library("plpgsql") && !server.has_library("no_such_library"));
    }

    #[test]
    fn a_missing_server_names_the_package() {
        let dir = tempfile::tempdir().unwrap();
        let error = find_server(Some(dir.path()), None).unwrap_err();
        assert!(error.to_string().contains("database.bin_dir"), "{error}");
        let error = find_server(None, Some(4)).unwrap_err();
        assert!(error.to_string().contains("`postgresql-4`"), "{error}");
    }
}
