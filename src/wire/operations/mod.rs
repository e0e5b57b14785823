//! What operators see and steer: status, health, alerts, figures, model servers, settings.

pub(crate) mod admin;
pub(crate) mod llm;
pub(crate) mod report;
pub(crate) mod status;
pub(crate) mod verification;
