//! Cuts a stream into rows without holding more than one: the elements of a JSON array, or lines.
//!
//! Elements are cut by their brackets and strings alone, so that a broken element costs one row
//! and not the rest of the file.

use std::io::{self, BufRead};

/// Bytes that one row may have.
pub(crate) const ROW_MAX_BYTES: usize = 1 << 20;

/// What became of one row.
#[derive(Debug, PartialEq)]
pub(crate) enum Piece {
    Row(Vec<u8>),
    /// The row has more than [`ROW_MAX_BYTES`]; its rest was skipped.
    TooLong,
    /// Nothing after this point can be read as rows.
    Broken(&'static str),
    End,
}

/// The elements of a JSON array.
pub(crate) struct ArrayElements<R> {
    input: R,
    state: ArrayState,
}

#[derive(Clone, Copy, PartialEq)]
enum ArrayState {
    Start,
    BeforeElement { first: bool },
    Done,
}

impl<R: BufRead> ArrayElements<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, state: ArrayState::Start }
    }

    pub(crate) fn next_piece(&mut self) -> io::Result<Piece> {
        loop {
            match self.state {
                ArrayState::Start => {
                    if self.skip_blanks()? != Some(b'[') {
                        return Ok(self.broken("the file does not start with `[`"));
                    }
                    self.input.consume(1);
                    self.state = ArrayState::BeforeElement { first: true };
                }
                ArrayState::BeforeElement { first } => {
                    let next = self.skip_blanks()?;
                    return match next {
                        None => Ok(self.broken("the file ends inside the array")),
                        Some(b']') => {
                            self.input.consume(1);
                            if self.skip_blanks()?.is_some() {
                                return Ok(self.broken("text follows the array"));
                            }
                            self.state = ArrayState::Done;
                            Ok(Piece::End)
                        }
                        Some(b',') if !first => {
                            self.input.consume(1);
                            match self.skip_blanks()? {
                                Some(b']') => Ok(self.broken("a comma stands before `]`")),
                                _ => self.element(),
                            }
                        }
                        Some(_) if first => self.element(),
                        Some(_) => Ok(self.broken("a comma is missing between two vendors")),
                    };
                }
                ArrayState::Done => return Ok(Piece::End),
            }
        }
    }

    fn broken(&mut self, message: &'static str) -> Piece {
        self.state = ArrayState::Done;
        Piece::Broken(message)
    }

    /// The next byte that is no white space, not consumed.
    fn skip_blanks(&mut self) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let blanks = buffer.iter().take_while(|b| b" \t\r\n".contains(b)).count();
            let next = buffer.get(blanks).copied();
            self.input.consume(blanks);
            if next.is_some() {
                return Ok(next);
            }
        }
    }

    /// Reads up to the comma or bracket that ends the element.
    fn element(&mut self) -> io::Result<Piece> {
        self.state = ArrayState::BeforeElement { first: false };
        let mut scan = Scan::default();
        let mut row = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                return Ok(self.broken("the file ends inside a vendor"));
            }
            let end = buffer.iter().position(|&byte| scan.ends_before(byte));
            let taken = end.unwrap_or(buffer.len());
            too_long |= row.len() + taken > ROW_MAX_BYTES;
            if !too_long {
                row.extend_from_slice(&buffer[..taken]);
            }
            self.input.consume(taken);
            if end.is_some() {
                return Ok(if too_long { Piece::TooLong } else { Piece::Row(row) });
            }
        }
    }
}

/// Where the scan stands inside an element.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scan {
    /// Takes in one byte; true where it is the comma or bracket behind the element.
    fn ends_before(&mut self, byte: u8) -> bool {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b',' | b']' | b'}' if self.depth == 0 => return true,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth -= 1,
            _ => {}
        }
        false
    }
}

/// Lines that are not blank.
pub(crate) struct Lines<R> {
    input: R,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input }
    }

    pub(crate) fn next_piece(&mut self) -> io::Result<Piece> {
        let mut row = Vec::new();
        let mut too_long = false;
        loop {
            let buffer = self.input.fill_buf()?;
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let at_end = buffer.is_empty();
            let taken = end.unwrap_or(buffer.len());
            too_long |= row.len() + taken > ROW_MAX_BYTES;
            if !too_long {
                row.extend_from_slice(&buffer[..taken]);
            }
            self.input.consume(taken + usize::from(end.is_some()));
            if end.is_none() && !at_end {
                continue;
            }
            if too_long {
                return Ok(Piece::TooLong);
            }
            if !row.iter().all(u8::is_ascii_whitespace) {
                return Ok(Piece::Row(row));
            }
            if at_end {
                return Ok(Piece::End);
            }
            row.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    /// Pieces, read through a buffer of a few bytes so that every cut is met.
    fn elements(text: &str) -> Vec<Piece> {
        let mut array = ArrayElements::new(BufReader::with_capacity(3, text.as_bytes()));
        let mut pieces = Vec::new();
        loop {
            let piece = array.next_piece().unwrap();
            let last = matches!(piece, Piece::End | Piece::Broken(_));
            pieces.push(piece);
            if last {
                return pieces;
            }
        }
    }

    fn row(text: &str) -> Piece {
        Piece::Row(text.as_bytes().to_vec())
    }

    #[test]
    fn elements_are_cut_at_their_brackets() {
        let text = r#" [ {"a":"]},\"{"} , [1,[2]], NaN ] "#;
        let expected = [row(r#"{"a":"]},\"{"} "#), row("[1,[2]]"), row("NaN "), Piece::End];
        assert_eq!(elements(text), expected);
        assert_eq!(elements("[]"), [Piece::End]);
    }

    #[test]
    fn a_broken_array_is_told_apart_from_its_end() {
        for (text, rows) in [
            ("", 0),
            ("{}", 0),
            ("[", 0),
            ("[1", 0),
            ("[1,", 1),
            ("[1,]", 1),
            ("[1]2", 1),
            ("[1}", 1),
        ] {
            let pieces = elements(text);
            assert_eq!(pieces.len(), rows + 1, "{text}");
            assert!(matches!(pieces[rows], Piece::Broken(_)), "{text}: {pieces:?}");
        }
    }

    #[test]
    fn a_row_that_is_too_long_costs_one_row() {
        let long = format!("[\"{}\",2]", "x".repeat(ROW_MAX_BYTES));
        assert_eq!(elements(&long), [Piece::TooLong, row("2"), Piece::End]);
        let lines = format!("{}\n\n 2\n", "x".repeat(ROW_MAX_BYTES + 1));
        let mut lines = Lines::new(lines.as_bytes());
        assert_eq!(lines.next_piece().unwrap(), Piece::TooLong);
        assert_eq!(lines.next_piece().unwrap(), row(" 2"));
        assert_eq!(lines.next_piece().unwrap(), Piece::End);
    }
}
