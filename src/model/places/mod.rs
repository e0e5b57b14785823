//! Cities, areas, and how far apart they lie.

pub(crate) mod gazetteer;
pub(crate) mod geo;
