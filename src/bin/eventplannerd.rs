//! The daemon; see `eventplanner::daemon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    eventplanner::daemon::main()
}
