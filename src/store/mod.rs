//! Floor 2: PostgreSQL: pool, private cluster, migrations, vendors, plans, bookings, audit.

pub mod settings;
