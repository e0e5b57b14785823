//! Floor 2: the control API as both its sides use it.
//!
//! Wire types (every one both written and read, so that daemon and client can't drift apart),
//! where the socket lies, the client, and how replies look to people ([`show`]).

mod client;
pub mod manual;
pub mod show;

pub use client::{Body, Client, ClientError, Reply};

pub(crate) use client::event_reader::EventReader;
pub use client::follow::follow_plan;

pub use client::save::{SaveError, save_document, save_documents};
pub use wire::{parse_duration, show_duration};

pub use client::socket::{SOCKET_NAME, SOCKET_PATH_MAX_BYTES, socket_places};
