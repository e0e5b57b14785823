//! Errors as replies: every failure is an error document.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use wire::{ApiError, ErrorCode, ErrorDocument};

/// What a handler gives back.
pub(crate) type Answer = Result<HttpResponse, Failure>;

/// An [`ApiError`] on its way out.
#[derive(Debug)]
pub(crate) struct Failure(pub ApiError);

impl<E: Into<ApiError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.0.code.http_status());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.0.code.retry_after_s() {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response.json(ErrorDocument { error: self.0.clone() })
    }
}

/// No such path.
pub(crate) async fn not_found(request: HttpRequest) -> Answer {
    let message = format!("there is no `{}`", shown(request.path()));
    Err(ApiError::new(ErrorCode::NotFound, message).with_hint("GET /v1 lists what there is").into())
}

/// A known path, but not with this method.
pub(crate) async fn method_not_allowed(request: HttpRequest) -> Answer {
    let message = format!("`{}` doesn't take {}", shown(request.path()), request.method());
    Err(ApiError::new(ErrorCode::MethodNotAllowed, message).into())
}

/// The beginning of what a caller wrote: an error must not grow with it.
fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}
