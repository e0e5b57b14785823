//! The log: structured records through a bounded queue to one writing thread.
//!
//! A full queue (a stalled terminal or journal) drops records and counts them rather than
//! stopping the actors; the metrics cycle reports the count.

pub mod events;
pub(crate) mod journal;
pub(crate) mod throttle;

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use jiff::{Timestamp, Zoned};
use journal::{Prioritized, is_journal};
use slog::{Drain, FnValue, Level, Logger, Never, OwnedKVList, PushFnValue, Record, o};
use slog_async::{AsyncCore, AsyncGuard};

use crate::settings::{LogFormat, LogSettings};

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    Stdout,
    /// Where stdout carries an answer, as that of `demo --json`.
    Stderr,
}

/// Writes what still waits when dropped. Hold it until the very end; `std::process::exit` skips
/// it.
#[must_use]
pub struct LogGuard {
    _flushes_when_dropped: AsyncGuard,
}

/// What can be asked and changed while the log runs.
#[derive(Clone, Debug)]
pub struct LogHandle {
    level: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
}

impl LogHandle {
    pub fn level(&self) -> Level {
        Level::from_usize(self.level.load(Ordering::Relaxed)).unwrap_or(Level::Info)
    }

    pub fn set_level(&self, level: Level) {
        self.level.store(level.as_usize(), Ordering::Relaxed);
    }

    /// Records dropped since the start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Starts the log and its writing thread.
pub fn start_log(settings: &LogSettings, target: LogTarget) -> (Logger, LogHandle, LogGuard) {
    let is_terminal = match target {
        LogTarget::Stdout => io::stdout().is_terminal(),
        LogTarget::Stderr => io::stderr().is_terminal(),
    };
    let terminal = match settings.format {
        LogFormat::Json => false,
        LogFormat::Terminal => true,
        LogFormat::Auto => is_terminal,
    };
    if terminal {
        start(settings, terminal_drain(target), false)
    } else {
        match target {
            LogTarget::Stdout if is_journal(io::stdout()) => {
                start(settings, Prioritized::new(io::stdout(), json_drain), true)
            }
            LogTarget::Stdout => start(settings, json_drain(io::stdout()), true),
            LogTarget::Stderr => start(settings, json_drain(io::stderr()), true),
        }
    }
}

fn start<D>(settings: &LogSettings, drain: D, stamp: bool) -> (Logger, LogHandle, LogGuard)
where
    D: Drain<Ok = (), Err = Never> + Send + 'static,
{
    let (core, guard) = AsyncCore::custom(drain)
        .chan_size(settings.queue_size)
        .thread_name("log".into())
        .build_with_guard();
    let handle = LogHandle {
        level: Arc::new(AtomicUsize::new(settings.level.as_usize())),
        dropped: Arc::default(),
    };
    let gate = LevelFilter { core, handle: handle.clone(), stamp };
    (Logger::root(gate, o!()), handle, LogGuard { _flushes_when_dropped: guard })
}

/// Lets records of the wanted levels into the queue, and counts those that don't fit.
struct LevelFilter {
    core: AsyncCore,
    handle: LogHandle,
    /// Add the time here, not when the line is written: the queue may be behind.
    stamp: bool,
}

impl Drain for LevelFilter {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        if !self.is_enabled(record.level()) {
            return Ok(());
        }
        let sent = if self.stamp {
            let now = format!("{:.6}", Timestamp::now());
            self.core.log(record, &o!(values.clone(), "ts" => now).into())
        } else {
            self.core.log(record, values)
        };
        if sent.is_err() {
            self.handle.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    fn is_enabled(&self, level: Level) -> bool {
        level.as_usize() <= self.handle.level.load(Ordering::Relaxed)
    }
}

pub(super) fn json_drain<W: Write + Send + 'static>(
    output: W,
) -> impl Drain<Ok = (), Err = Never> + Send + 'static + use<W> {
    let lowercase = |record: &Record<'_>| level_name(record.level());
    slog_json::Json::new(output)
        .set_newlines(true)
        .set_flush(true)
        .add_key_value(o!("level" => FnValue(lowercase)))
        .add_key_value(o!("msg" => PushFnValue(|record: &Record<'_>, ser| ser.emit(record.msg()))))
        .build()
        // A log that nobody reads any more is no reason to end.
        .ignore_res()
}

fn terminal_drain(target: LogTarget) -> impl Drain<Ok = (), Err = Never> + Send + 'static {
    let mut decorator = match target {
        LogTarget::Stdout => slog_term::TermDecorator::new().stdout(),
        LogTarget::Stderr => slog_term::TermDecorator::new().stderr(),
    };
    // https://no-color.org
    if std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) {
        decorator = decorator.force_plain();
    }
    slog_term::FullFormat::new(decorator.build())
        .use_custom_timestamp(|out| write!(out, "{}", Zoned::now().strftime("%H:%M:%S%.3f")))
        .use_original_order()
        .build()
        .ignore_res()
}

/// `critical`, `error`, `warning`, `info`, `debug`, `trace`.
pub(crate) const fn level_name(level: Level) -> &'static str {
    match level {
        Level::Critical => "critical",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use serde_json::Value;
    use slog::{debug, error, info};

    use super::*;
    use crate::log::events::{self, PLAN_SUBMITTED};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_json_object_with_the_event_and_its_time() {
        let lines = Lines::default();
        let (log, handle, guard) = start(&LogSettings::default(), json_drain(lines.clone()), true);
        let log = log.new(o!("actor" => "beam_coordinator"));
        info!(log, "plan {}", "submitted\n{\"msg\":1}"; PLAN_SUBMITTED, "plan_id" => "p1");
        debug!(log, "not wanted");
        handle.set_level(Level::Debug);
        debug!(log, "wanted");
        assert_eq!(handle.level(), Level::Debug);
        drop((log, guard));
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let parsed: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [first, second] = &parsed[..] else { panic!("{text}") };
        assert_eq!(first["event"], "plan_submitted");
        assert_eq!(first["actor"], "beam_coordinator");
        assert_eq!(first["level"], "info");
        assert_eq!(first["msg"], "plan submitted\n{\"msg\":1}");
        assert!(first["ts"].as_str().unwrap().parse::<Timestamp>().is_ok());
        assert_eq!(events::check_line(first), Ok(()));
        assert_eq!(second["msg"], "wanted");
    }

    #[test]
    fn for_the_journal_each_line_begins_with_its_priority() {
        let lines = Lines::default();
        let drain = Prioritized::new(lines.clone(), json_drain);
        let (log, _, guard) = start(&LogSettings::default(), drain, true);
        info!(log, "one\n<0>two");
        error!(log, "three");
        drop((log, guard));
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let [first, second] = &text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        for (line, priority, message) in [(first, "<6>", "one\n<0>two"), (second, "<3>", "three")] {
            let json = line.strip_prefix(priority).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(serde_json::from_str::<Value>(json).unwrap()["msg"], message);
        }
    }

    #[test]
    fn a_stalled_writer_costs_lines_and_not_the_caller() {
        /// Blocks in the first write until it is released.
        struct Stalled(mpsc::Receiver<()>, mpsc::Sender<()>);
        impl Write for Stalled {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.1.send(());
                let _ = self.0.recv();
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, released) = mpsc::channel();
        let (writing, is_writing) = mpsc::channel();
        let settings = LogSettings { queue_size: 64, ..LogSettings::default() };
        let (log, handle, guard) = start(&settings, json_drain(Stalled(released, writing)), true);
        error!(log, "one that the writer holds");
        is_writing.recv().unwrap();
        for _ in 0..100 {
            error!(log, "64 wait, 36 are dropped");
        }
        assert_eq!(handle.dropped(), 36);
        drop(release);
        drop((log, guard));
    }
}
