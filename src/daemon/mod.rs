//! Floor 5: wiring, control server, signals and systemd notify.
