//! Where settings come from: file, profile, environment, credentials.

pub(crate) mod credentials;
pub(crate) mod database_url;
pub(crate) mod endpoints;
pub(crate) mod environment;
pub(crate) mod layers;
pub(crate) mod paths;
pub(crate) mod raw_value;
