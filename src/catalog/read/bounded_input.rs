//! A file's bytes on their way to the parsers: without a byte order mark, and bounded.

use std::io::{self, Read};

use super::split::ROW_MAX_BYTES;

pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Drops the byte order mark that some programs put before UTF-8.
pub(crate) struct WithoutBom<R> {
    input: R,
    at_start: bool,
}

impl<R> WithoutBom<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, at_start: true }
    }
}

impl<R: Read> Read for WithoutBom<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.at_start || buffer.len() < BOM.len() {
            return self.input.read(buffer);
        }
        self.at_start = false;
        let mut filled = 0;
        while filled < BOM.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if !buffer[..filled].starts_with(BOM) {
            return Ok(filled);
        }
        buffer.copy_within(BOM.len()..filled, 0);
        match filled - BOM.len() {
            0 => self.input.read(buffer),
            rest => Ok(rest),
        }
    }
}

/// Gives a record no more bytes than it may have, so that an unclosed quote can't fill the memory.
pub(crate) struct Limited<R> {
    pub input: WithoutBom<R>,
    /// Bytes that the record at hand may still have.
    pub left: usize,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let message = format!("a row has more than {ROW_MAX_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let most = buffer.len().min(self.left);
        let read = self.input.read(&mut buffer[..most])?;
        self.left -= read;
        Ok(read)
    }
}
