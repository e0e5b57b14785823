//! Writing a plan's documents to disk: whole or not at all.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// Why a document was not written.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    #[error("the document name `{0}` is no plain file name; nothing was written")]
    Name(String),
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
}

/// Makes `dir` and writes `body` into it as `name`, replacing an older file at once. Only the
/// owner may read it: a blueprint holds a client's name.
///
/// # Errors
/// A name that would leave the directory; a directory or disk that can't take the file.
pub fn save_document(dir: &Path, name: &str, body: &str) -> Result<PathBuf, SaveError> {
    let is_plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\0']);
    if !is_plain {
        return Err(SaveError::Name(name.escape_debug().to_string()));
    }
    let path = dir.join(name);
    fs::create_dir_all(dir).map_err(|source| SaveError::Io {
        what: "make directory",
        path: dir.to_owned(),
        source,
    })?;
    let io = |source| SaveError::Io { what: "write", path: path.clone(), source };
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(io)?;
    file.write_all(body.as_bytes()).map_err(io)?;
    // A full disk may only show when the data goes out.
    file.as_file().sync_all().map_err(io)?;
    file.persist(&path).map_err(|error| io(error.error))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_replaces_an_older_one_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        save_document(&out, "x.md", "old").unwrap();
        let path = save_document(&out, "x.md", "new").unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "new");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    }

    #[test]
    fn names_that_leave_the_directory_and_bad_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["", "../x", "a/b", ".hidden", ".."] {
            assert!(matches!(save_document(dir.path(), name, ""), Err(SaveError::Name(_))));
        }
        fs::write(dir.path().join("file"), "").unwrap();
        let error = save_document(&dir.path().join("file"), "x.md", "").unwrap_err().to_string();
        assert!(error.contains("/file:"), "{error}");
    }
}
