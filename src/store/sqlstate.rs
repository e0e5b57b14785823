//! What a caller can do about an error of the server, by its SQLSTATE.
//!
//! Source: Appendix A of PostgreSQL's manual. A class is a code's first two signs; where a class
//! mixes kinds, its codes are told apart.

use tokio_postgres::error::SqlState;

/// Kinds of errors of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The connection is gone, and what its transaction did is unknown.
    Disconnected,
    /// The server is starting, stopping, or has no connection left.
    Unreachable,
    /// A time limit, or a cancel from outside.
    TimedOut,
    /// No disk, memory or locks left.
    NoRoom,
    /// Another transaction came in between.
    Conflict,
    /// The server is in trouble of its own: its disk fails, or it is a read-only standby.
    Faulty,
    /// The value can't be stored, whoever tries.
    Unstorable,
    /// The statement is wrong, whoever tries.
    Refused,
}

pub(crate) fn kind(code: &SqlState) -> ErrorKind {
    let code = code.code();
    match code {
        // Statement completion unknown.
        "40003" => return ErrorKind::Disconnected,
        // Object in use; lock not available; the rest of class 55 is about wrong statements.
        "55006" => return ErrorKind::Conflict,
        "55P03" => return ErrorKind::TimedOut,
        "57014" => return ErrorKind::TimedOut,
        // Cannot connect now; too many connections.
        "57P03" | "53300" => return ErrorKind::Unreachable,
        // Idle in transaction; transaction timeout.
        "25P03" | "25P04" => return ErrorKind::TimedOut,
        // Read-only transaction: a standby, or a server that fails over.
        "25006" => return ErrorKind::Faulty,
        // A booking that overlaps another.
        "23P01" => return ErrorKind::Conflict,
        // Out of range; a character that the encoding lacks; a check. The rest of class 22 is
        // about wrong statements, and no caller's doing.
        "22003" | "22021" | "22P05" | "23514" => return ErrorKind::Unstorable,
        _ => {}
    }
    match code.get(..2).unwrap_or_default() {
        "08" | "57" => ErrorKind::Disconnected,
        "40" => ErrorKind::Conflict,
        "53" => ErrorKind::NoRoom,
        "58" => ErrorKind::Faulty,
        _ => ErrorKind::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        use ErrorKind::*;
        let cases = [
            ("08006", Disconnected),
            ("08001", Disconnected),
            ("57P01", Disconnected),
            ("57P02", Disconnected),
            ("57P05", Disconnected),
            ("40003", Disconnected),
            ("57P03", Unreachable),
            ("53300", Unreachable),
            ("57014", TimedOut),
            ("55P03", TimedOut),
            ("25P03", TimedOut),
            ("25P04", TimedOut),
            ("53100", NoRoom),
            ("53200", NoRoom),
            ("53400", NoRoom),
            ("40001", Conflict),
            ("40P01", Conflict),
            ("40002", Conflict),
            ("23P01", Conflict),
            ("55006", Conflict),
            ("58000", Faulty),
            ("58030", Faulty),
            ("58P01", Faulty),
            ("25006", Faulty),
            ("22021", Unstorable),
            ("22P05", Unstorable),
            ("22003", Unstorable),
            ("23514", Unstorable),
            ("42601", Refused),
            ("42P01", Refused),
            ("23505", Refused),
            ("XX000", Refused),
            ("0A000", Refused),
            ("26000", Refused),
            ("22012", Refused),
            ("25P02", Refused),
        ];
        for (code, wanted) in cases {
            assert_eq!(kind(&SqlState::from_code(code)), wanted, "{code}");
        }
    }
}
