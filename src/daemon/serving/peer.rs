//! Who calls, and what they may do.
//!
//! Whoever can open the socket may read and submit: that is for the socket's group to decide.
//! Administering takes more. The kernel says who the caller is (SO_PEERCRED), as of the moment
//! of the connection.

use std::{
    any::Any,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev, web};

use super::{context::Context, failure::Failure};
use wire::{ApiError, ErrorCode};

/// The process at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub uid: u32,
    /// 0 where the kernel doesn't say.
    pub pid: i32,
}

impl Peer {
    /// Asked once per connection, when it is accepted.
    pub(crate) fn of_connection(connection: &dyn Any) -> Option<Self> {
        let stream = connection.downcast_ref::<tokio::net::UnixStream>()?;
        let credentials = stream.peer_cred().ok()?;
        Some(Self { uid: credentials.uid(), pid: credentials.pid().unwrap_or(0) })
    }
}

impl FromRequest for Peer {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let unknown = || ApiError::new(ErrorCode::Denied, "the kernel doesn't say who calls");
        ready(request.conn_data::<Self>().copied().ok_or_else(|| unknown().into()))
    }
}

/// A caller who may administer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Admin;

impl FromRequest for Admin {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let context = request.app_data::<web::Data<Context>>();
        let admitted = Peer::from_request(request, payload).into_inner().and_then(|peer| {
            match context.is_some_and(|context| context.admins.includes(peer.uid)) {
                true => Ok(Self),
                false => Err(denied(peer.uid).into()),
            }
        });
        ready(admitted)
    }
}

/// The users who may administer: root, the daemon's own, and those of `control.admin_uids`.
#[derive(Clone, Debug)]
pub(crate) struct Admins {
    pub own_uid: u32,
    pub listed: Vec<u32>,
}

impl Admins {
    pub(crate) fn includes(&self, uid: u32) -> bool {
        uid == 0 || uid == self.own_uid || self.listed.contains(&uid)
    }
}

fn denied(uid: u32) -> ApiError {
    ApiError::new(ErrorCode::Denied, format!("user id {uid} may not administer the daemon"))
        .with_hint("use sudo, or let root add the user id to control.admin_uids")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_the_daemon_itself_and_the_listed_administer() {
        let admins = Admins { own_uid: 990, listed: vec![1000] };
        for (uid, may) in [(0, true), (990, true), (1000, true), (1001, false), (65_534, false)] {
            assert_eq!(admins.includes(uid), may, "{uid}");
        }
        let own_is_root = Admins { own_uid: 0, listed: vec![] };
        assert!(!own_is_root.includes(990));
    }
}
