//! Vendor files: taken in as a stream, kept on disk until they are imported, then gone.

use std::{fs, io, path::Path};

use actix_web::{
    HttpResponse,
    web::{Data, Payload},
};
use serde::Deserialize;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::body::{Params, next_part, too_large};
use crate::serving::{
    context::Context,
    failure::{Answer, Failure},
    peer::{Admin, Peer},
};
use actors::vendor_search::messages::ImportVendors;
use wire::{ApiError, ErrorCode, ImportFormat, ImportReport};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportQuery {
    format: ImportFormat,
    #[serde(default)]
    skip_invalid: bool,
}

pub(super) async fn import(
    context: Data<Context>,
    _: Admin,
    peer: Peer,
    Params(query): Params<ImportQuery>,
    payload: Payload,
) -> Answer {
    let Ok(_turn) = context.imports.try_acquire() else {
        return Err(ApiError::new(ErrorCode::Busy, "other imports are under way").into());
    };
    let spooled = spool(&context, payload).await?;
    let spool = spooled.path().to_owned();
    let ImportQuery { format, skip_invalid } = query;
    let message = ImportVendors { spool, format, skip_invalid, uid: peer.uid };
    let report: ImportReport = context.actors.vendors.ask(message).await?;
    Ok(HttpResponse::Ok().json(report))
}

/// Writes the body to a file that goes away with its handle.
async fn spool(context: &Context, payload: Payload) -> Result<NamedTempFile, Failure> {
    let dir = &context.spool_dir;
    let spooled = make_file(dir).map_err(|error| disk(dir, &error))?;
    let file = spooled.reopen().map_err(|error| disk(dir, &error))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut payload = payload.into_inner();
    let mut bytes = 0;
    while let Some(part) = next_part(&mut payload, context.body_timeout).await? {
        bytes += part.len() as u64;
        if bytes > context.import_limit {
            return Err(too_large(context.import_limit).into());
        }
        file.write_all(&part).await.map_err(|error| disk(dir, &error))?;
    }
    file.flush().await.map_err(|error| disk(dir, &error))?;
    Ok(spooled)
}

fn make_file(dir: &Path) -> io::Result<NamedTempFile> {
    fs::create_dir_all(dir)?;
    tempfile::Builder::new().prefix("vendors-").tempfile_in(dir)
}

fn disk(dir: &Path, error: &io::Error) -> ApiError {
    let message = format!("cannot keep the vendor file in {}: {error}", dir.display());
    ApiError::new(ErrorCode::Unavailable, message)
        .with_hint("make room there; nothing was imported")
}
