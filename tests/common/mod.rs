//! What several test binaries share.

pub mod hostile;
pub mod llm_server;
pub mod llm_tasks;
