//! Priorities for the journal: where stdout goes there, each line begins with `<N>`, which the
//! journal takes off and keeps as the field PRIORITY (sd-daemon(3)).

use std::{
    io::{self, Write},
    os::fd::AsFd,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use nix::sys::stat::fstat;
use slog::{Drain, Level, Never, OwnedKVList, Record};

/// Whether `output` is the journal's stream, which `JOURNAL_STREAM` names as `device:inode`.
pub(crate) fn is_journal(output: impl AsFd) -> bool {
    let Some(named) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    fstat(output).is_ok_and(|found| named == format!("{}:{}", found.st_dev, found.st_ino))
}

/// A drain that writes lines through [`Prioritized::output`], each with its priority.
pub(crate) struct Prioritized<D> {
    inner: D,
    priority: Arc<AtomicU8>,
}

impl<D: Drain<Ok = (), Err = Never>> Prioritized<D> {
    /// `drain` makes the drain that writes into the output it is given, a line per record.
    pub(crate) fn new<W: Write>(output: W, drain: impl FnOnce(PriorityWriter<W>) -> D) -> Self {
        let priority = Arc::new(AtomicU8::new(6));
        let writer = PriorityWriter { output, priority: priority.clone(), at_start: true };
        Self { inner: drain(writer), priority }
    }
}

impl<D: Drain<Ok = (), Err = Never>> Drain for Prioritized<D> {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        // Only the one writing thread comes here.
        self.priority.store(syslog_priority(record.level()), Ordering::Relaxed);
        self.inner.log(record, values)
    }
}

pub(crate) struct PriorityWriter<W> {
    output: W,
    priority: Arc<AtomicU8>,
    at_start: bool,
}

impl<W: Write> Write for PriorityWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.at_start && !bytes.is_empty() {
            write!(self.output, "<{}>", self.priority.load(Ordering::Relaxed))?;
            self.at_start = false;
        }
        let written = self.output.write(bytes)?;
        self.at_start |= bytes[..written].ends_with(b"\n");
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// The numbers of syslog(3).
const fn syslog_priority(level: Level) -> u8 {
    match level {
        Level::Critical => 2,
        Level::Error => 3,
        Level::Warning => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}
