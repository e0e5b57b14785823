//! Floor 5: the control command line: arguments and rendering.
