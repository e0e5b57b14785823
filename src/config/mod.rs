//! Floor 3: raw file → checked Settings.
