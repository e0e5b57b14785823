//! Writing a plan's documents to disk: all of them whole, or none at all.

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
    stage(dir, name, body)?.put_in_place()
}

/// As [`save_document`] for several: none takes its place before all are on the disk, so that a
/// full one leaves nothing half done. The paths, in the order given.
///
/// # Errors
/// As [`save_document`].
pub fn save_documents(
    dir: &Path,
    documents: &[(String, String)],
) -> Result<Vec<PathBuf>, SaveError> {
    let staged: Result<Vec<Staged>, SaveError> =
        documents.iter().map(|(name, body)| stage(dir, name, body)).collect();
    staged?.into_iter().map(Staged::put_in_place).collect()
}

/// A document that is on the disk under a name of no meaning; gone when dropped.
struct Staged {
    file: tempfile::NamedTempFile,
    path: PathBuf,
}

impl Staged {
    fn put_in_place(self) -> Result<PathBuf, SaveError> {
        let Self { file, path } = self;
        match file.persist(&path) {
            Ok(_) => Ok(path),
            Err(error) => Err(SaveError::Io { what: "write", path, source: error.error }),
        }
    }
}

fn stage(dir: &Path, name: &str, body: &str) -> Result<Staged, SaveError> {
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
    Ok(Staged { file, path })
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
    fn one_bad_document_keeps_all_of_them_back() {
        let dir = tempfile::tempdir().unwrap();
        let documents = [("a.md", "a"), ("../b", "b")].map(|(n, b)| (n.to_owned(), b.to_owned()));
        assert!(save_documents(dir.path(), &documents).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        assert_eq!(save_documents(dir.path(), &documents[..1]).unwrap().len(), 1);
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
