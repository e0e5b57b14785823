//! Bodies and queries, read within bounds.

use std::time::Duration;

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    web::{self, Bytes, Query},
};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::DeserializeOwned;

use crate::serving::{context::Context, failure::Failure};
use wire::{ApiError, ErrorCode};

/// A whole body, as it came.
pub(super) struct Document(pub Vec<u8>);

impl FromRequest for Document {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let context = request.app_data::<web::Data<Context>>().cloned();
        let mut payload = payload.take();
        Box::pin(async move {
            let (limit, timeout) =
                context.map_or((0, Duration::ZERO), |c| (c.body_limit, c.body_timeout));
            let mut document = Vec::new();
            while let Some(part) = next_part(&mut payload, timeout).await? {
                if document.len() + part.len() > limit {
                    return Err(too_large(limit as u64).into());
                }
                document.extend_from_slice(&part);
            }
            Ok(Self(document))
        })
    }
}

/// A body in JSON.
pub(super) struct Json<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Json<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let document = Document::from_request(request, payload);
        Box::pin(async move {
            let Document(bytes) = document.await?;
            let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
            let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
                let field = error.path().to_string();
                ApiError::invalid(field, error.into_inner().to_string(), "see GET /v1")
            })?;
            Ok(Self(value))
        })
    }
}

/// The query of a call.
pub(crate) struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let read = Query::<T>::from_query(request.query_string());
        let refused = |error: actix_web::error::QueryPayloadError| {
            ApiError::invalid("query", error.to_string(), "leave it out or mend it").into()
        };
        std::future::ready(read.map(|query| Self(query.into_inner())).map_err(refused))
    }
}

/// Refuses a page of no rows, or of more than `max`.
pub(crate) fn page_limit(limit: Option<u32>, max: u32) -> Result<(), ApiError> {
    let refused =
        |limit| ApiError::invalid("limit", format!("is {limit}"), format!("write 1 to {max}"));
    limit.filter(|limit| !(1..=max).contains(limit)).map_or(Ok(()), |limit| Err(refused(limit)))
}

/// The next part of a body; `None` at its end.
///
/// # Errors
/// Nothing came within `timeout`, or the caller broke off.
pub(crate) async fn next_part(
    payload: &mut Payload,
    timeout: Duration,
) -> Result<Option<Bytes>, ApiError> {
    let Ok(part) = tokio::time::timeout(timeout, payload.next()).await else {
        let message = format!("no part of the body came for {} s", timeout.as_secs());
        return Err(ApiError::new(ErrorCode::Timeout, message));
    };
    let broken = |error| ApiError::new(ErrorCode::Invalid, format!("the body broke off: {error}"));
    part.transpose().map_err(broken)
}

pub(super) fn too_large(limit: u64) -> ApiError {
    let message = format!("the body is larger than {limit} bytes");
    ApiError::new(ErrorCode::TooLarge, message).with_hint("is this the right file?")
}
