//! The command line of `eventplannerd`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Plans events: a daemon that is steered over a Unix socket.
#[derive(Debug, Parser)]
#[command(
    name = "eventplannerd",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 ok, 1 failed, 2 wrong command line or settings, 69 database not to \
                  be had, 70 an actor failed too often, 75 another daemon has the state directory \
                  or the socket."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the daemon in the foreground; what happens without a command, too.
    Run(RunArgs),
    /// Plan a sample event from end to end, with a private database; needs nothing set up.
    Demo(DemoArgs),
    /// Check settings and name every wrong one.
    CheckConfig {
        /// Else the file that `run` would read.
        file: Option<PathBuf>,
        /// Profile laid over the file: performance, development, or a path.
        #[arg(long, value_name = "PROFILE")]
        profile: Option<String>,
    },
    /// Print all settings as they are in force, secrets masked.
    PrintConfig(SettingsArgs),
    /// Print a completion script for a shell.
    #[command(hide = true)]
    Completions { shell: clap_complete::Shell },
    /// Write the man pages into a directory.
    #[command(hide = true)]
    Man { output: PathBuf },
    /// Solve an abstract problem file, as `plan export` writes it; `-` reads standard input.
    Solve(SolveArgs),
}

/// Where settings come from: file < profile < environment.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsArgs {
    /// Settings file; else /etc/eventplanner/eventplanner.toml where it exists.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Profile laid over the file: performance, development, or a path.
    #[arg(long, value_name = "PROFILE")]
    pub profile: Option<String>,
}

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// State directory, in place of the setting paths.state_dir.
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Start with an empty database of this name in the private cluster.
    #[arg(long, value_name = "NAME", hide = true)]
    pub fresh_database: Option<String>,
    /// Stop when standard input ends: when whoever started this is gone.
    #[arg(long, hide = true)]
    pub until_stdin_ends: bool,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct DemoArgs {
    /// Print one JSON document in place of the table.
    #[arg(long)]
    pub json: bool,
    /// Directory for the blueprint.
    #[arg(long, value_name = "DIR", default_value = "eventplanner-demo")]
    pub output: PathBuf,
    /// Leave the daemon running.
    #[arg(long)]
    pub keep: bool,
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// State directory; a later demo in it starts faster [default:
    /// ~/.local/state/eventplanner-demo, for root /var/lib/eventplanner-demo].
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct SolveArgs {
    pub file: PathBuf,
    /// Nodes that the proof may visit; 0 for no proof.
    #[arg(long, value_name = "N")]
    pub proof_nodes: Option<u64>,
    /// Milliseconds that the proof may take.
    #[arg(long, value_name = "N")]
    pub proof_ms: Option<u64>,
    /// Combinations kept per round.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(1..=64))]
    pub beam_width: Option<u16>,
    /// Rounds at most.
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: Option<u32>,
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
    /// Don't stop at a good enough combination.
    #[arg(long)]
    pub no_early_termination: bool,
    /// Don't stop when the scores stand still.
    #[arg(long)]
    pub no_convergence: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn run_may_be_left_out() {
        Cli::command().debug_assert();
        let bare = Cli::try_parse_from(["eventplannerd", "--config", "x.toml"]).unwrap();
        assert!(bare.command.is_none());
        assert_eq!(bare.run.settings.config, Some("x.toml".into()));
        let named = Cli::try_parse_from(["eventplannerd", "run", "--config", "x.toml"]).unwrap();
        let Some(Command::Run(run)) = named.command else { panic!("{named:?}") };
        assert_eq!(run.settings.config, Some("x.toml".into()));
        for bad in [&["--json"][..], &["demo", "x"], &["solve"], &["solve", "f", "--rounds=0"]] {
            let line = std::iter::once("eventplannerd").chain(bad.iter().copied());
            assert!(Cli::try_parse_from(line).is_err(), "{bad:?}");
        }
    }
}
