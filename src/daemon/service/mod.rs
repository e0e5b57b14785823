//! The process as a service: signals, systemd, exit codes.

pub(crate) mod exit;
pub(crate) mod identity;
pub(crate) mod llm_watch;
pub(crate) mod notify;
pub(crate) mod reload;
pub(crate) mod runtimes;
pub(crate) mod status;
pub(crate) mod stop;
