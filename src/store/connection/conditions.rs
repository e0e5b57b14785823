//! Statements put together from the filters that a caller gave: the server plans each for what it
//! really asks, where a statement for all cases at once would use no index.

use tokio_postgres::types::{ToSql, Type};

use super::session::Param;

/// The conditions of one statement, all of which must hold, and the values they name.
#[derive(Default)]
pub(crate) struct Conditions<'a> {
    sql: String,
    params: Vec<Param<'a>>,
}

impl<'a> Conditions<'a> {
    /// Adds a condition; `?` stands for the value, wherever it is wanted.
    pub(crate) fn and(&mut self, sql: &str, value: &'a (dyn ToSql + Sync), of: Type) {
        let number = self.value(value, of);
        self.also(&sql.replace('?', &number));
    }

    /// Adds a condition without a value of its own.
    pub(crate) fn also(&mut self, sql: &str) {
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(sql);
    }

    /// Adds a value; returns how to name it.
    pub(crate) fn value(&mut self, value: &'a (dyn ToSql + Sync), of: Type) -> String {
        self.params.push((value, of));
        format!("${}", self.params.len())
    }

    /// The `WHERE` clause, empty without a condition, and the values.
    pub(crate) fn finish(self) -> (String, Vec<Param<'a>>) {
        (self.sql, self.params)
    }
}

/// A pattern that matches every text with `part` in it; `%` and `_` stand for themselves.
pub(crate) fn contains_pattern(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
