//! Tables, and what the place they are shown in can do.

use std::{env, io::IsTerminal};

use comfy_table::{
    Attribute, Cell, CellAlignment, ContentArrangement, Table as Grid,
    presets::{NOTHING, UTF8_HORIZONTAL_ONLY},
};

/// Blanks to the left and to the right of a column of plain text.
const GAP: (u16, u16) = (0, 2);

/// What the output can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// A person's terminal: draw lines and wrap; else plain text, one row per line.
    pub terminal: bool,
    pub(crate) colour: bool,
}

impl Look {
    /// For standard output. `NO_COLOR`, not empty, switches colours off (no-color.org).
    pub fn of_stdout() -> Self {
        Self::new(std::io::stdout().is_terminal())
    }

    /// For standard error.
    pub fn of_stderr() -> Self {
        Self::new(std::io::stderr().is_terminal())
    }

    /// For a pipe or a file.
    pub const PLAIN: Self = Self { terminal: false, colour: false };

    fn new(terminal: bool) -> Self {
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal, colour: terminal && !no_colour }
    }
}

/// Rows under a header.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
    right_aligned: Vec<usize>,
}

impl Table {
    pub fn new<T: Into<String>>(headers: impl IntoIterator<Item = T>) -> Self {
        let headers = headers.into_iter().map(Into::into).collect();
        Self { headers, ..Self::default() }
    }

    /// Columns of numbers, counted from 0.
    pub(crate) fn right(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        self.right_aligned = columns.into_iter().collect();
        self
    }

    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The table as text, each line ended by a line feed. Control characters are left out: what
    /// a vendor is called can't steer a terminal.
    pub fn render(&self, look: Look) -> String {
        if look.terminal { self.render_grid(look) } else { self.render_plain(look) }
    }

    fn render_grid(&self, look: Look) -> String {
        let mut grid = Grid::new();
        grid.load_style(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        if look.colour {
            grid.enforce_styling();
        } else {
            grid.force_no_tty();
            // Without a terminal's width at hand, comfy-table needs one said.
            if let Some(width) = terminal_width() {
                grid.set_width(width);
            }
        }
        self.fill(&mut grid, look);
        format!("{}\n", grid.trim_fmt())
    }

    /// One row per line, of any length.
    fn render_plain(&self, look: Look) -> String {
        let mut grid = Grid::new();
        grid.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        grid.force_no_tty();
        self.fill(&mut grid, look);
        for column in grid.column_iter_mut() {
            column.set_padding(GAP);
        }
        format!("{}\n", grid.trim_fmt())
    }

    fn fill(&self, grid: &mut Grid, look: Look) {
        let bold = |text: &String| {
            let cell = Cell::new(clean(text));
            if look.colour { cell.add_attribute(Attribute::Bold) } else { cell }
        };
        grid.set_header(self.headers.iter().map(bold).collect::<Vec<_>>());
        for row in &self.rows {
            grid.add_row(row.iter().map(|text| Cell::new(clean(text))).collect::<Vec<_>>());
        }
        for column in &self.right_aligned {
            if let Some(column) = grid.column_mut(*column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
}

/// The text without control characters: an escape sequence in a vendor's name stays harmless.
pub(super) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn terminal_width() -> Option<u16> {
    Grid::new().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_aligned_and_harmless() {
        let mut table = Table::new(["name", "quote"]).right([1]);
        table.row(["Café\u{1b}[31m Lotus", "1.00"]);
        table.row(["B", "1200.00"]);
        let text = table.render(Look::PLAIN);
        assert_eq!(
            text,
            "name              quote\nCafé[31m Lotus     1.00\nB               1200.00\n"
        );
        // Two columns of a terminal for each of these characters.
        table.row(["東京 Hall", "9.00"]);
        let text = table.render(Look::PLAIN);
        assert!(text.ends_with("\n東京 Hall          9.00\n"), "{text}");
        let grid = table.render(Look { terminal: true, colour: false });
        assert!(grid.contains("1200.00") && !grid.contains('\u{1b}'), "{grid}");
    }
}
