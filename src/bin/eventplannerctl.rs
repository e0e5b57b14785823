//! Steers the daemon; see `eventplanner::ctl`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eventplanner::ctl::main()
}
