//! What several test binaries share.

pub mod llm_server;
pub mod llm_tasks;
