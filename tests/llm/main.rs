//! The LLM gateway against servers that do what no good one would; no daemon, no database.

mod faults;
mod gateway;
mod injection;
#[cfg(feature = "check-llamacpp")]
mod llamacpp;
mod load;
mod tls;
