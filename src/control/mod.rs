//! Floor 2: the wire types of the control API, shared by daemon and ctl.
