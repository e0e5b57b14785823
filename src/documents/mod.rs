//! Floor 2: blueprint renderers.
