//! Files to send: by path, or `-` for standard input.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use crate::error::CtlError;
use wire::{ApiError, ErrorCode};

/// The daemon takes no larger document; told here, the sender learns it before sending.
const DOCUMENT_MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A whole document.
///
/// # Errors
/// The file can't be read, or is larger than 16 MiB.
pub(crate) fn read_document(path: &Path) -> Result<Vec<u8>, CtlError> {
    let failed = |source| CtlError::Read { path: path.to_owned(), source };
    let source: Box<dyn Read> = match is_stdin(path) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(File::open(path).map_err(failed)?),
    };
    let mut document = Vec::new();
    source.take(DOCUMENT_MAX_BYTES + 1).read_to_end(&mut document).map_err(failed)?;
    if document.len() as u64 > DOCUMENT_MAX_BYTES {
        let message = format!("{} is larger than 16 MiB", path.display());
        let hint = "a request is some kilobytes; is this the right file?";
        return Err(CtlError::Failed(ApiError::new(ErrorCode::TooLarge, message).with_hint(hint)));
    }
    Ok(document)
}
