//! `eventplannerctl vendors …`.

use std::{path::Path, time::Duration};

use serde_json::json;

use crate::{
    args::{SearchArgs, VendorsCommand},
    error::CtlError,
    input::{is_stdin, read_document},
    session::Session,
};
use control::{
    Reply,
    show::{import_text, vendor_list, vendor_stats},
};
use wire::{GenerateVendors, ImportFormat, ImportReport, VendorList, VendorQuery, VendorStats};

/// A file of a million rows takes minutes.
const IMPORT: Duration = Duration::from_secs(600);

/// Runs the command; returns the exit code.
pub(crate) async fn run(session: &Session, command: VendorsCommand) -> Result<u8, CtlError> {
    match command {
        VendorsCommand::Import { file, format, skip_invalid } => {
            import(session, &file, format, skip_invalid).await?;
        }
        VendorsCommand::Search(args) => {
            let query = VendorQuery::from(*args);
            let reply: Reply<VendorList> = session.client.get("/v1/vendors/search", &query).await?;
            session.print(&reply, |list, look| vendor_list(&list.vendors, look))?;
        }
        VendorsCommand::Generate { count, seed, cities, currency, near, city_count } => {
            let client = session.client.with_timeout(session.timeout_or(IMPORT));
            let body = GenerateVendors { count, seed, cities, city_count, currency, near };
            let reply: Reply<ImportReport> = client.post("/v1/vendors/generate", &body).await?;
            session.print(&reply, |report, _| import_text(report))?;
        }
        VendorsCommand::Stats => {
            let reply: Reply<VendorStats> = session.client.get("/v1/vendors/stats", &()).await?;
            session.print(&reply, vendor_stats)?;
        }
    }
    Ok(0)
}

async fn import(
    session: &Session,
    file: &Path,
    format: Option<ImportFormat>,
    skip_invalid: bool,
) -> Result<(), CtlError> {
    let name = file.to_string_lossy();
    let format = format.unwrap_or_else(|| ImportFormat::of_file_name(&name));
    let body = match is_stdin(file) {
        true => reqwest::Body::from(read_document(file)?),
        false => {
            let opened = tokio::fs::File::open(file).await;
            let failed = |source| CtlError::Read { path: file.to_owned(), source };
            reqwest::Body::from(opened.map_err(failed)?)
        }
    };
    let query = json!({"format": format, "skip_invalid": skip_invalid});
    let client = session.client.with_timeout(session.timeout_or(IMPORT));
    let reply: Reply<ImportReport> =
        client.post_document("/v1/vendors/import", &query, body).await?;
    session.print(&reply, |report, _| import_text(report))
}

impl From<SearchArgs> for VendorQuery {
    fn from(args: SearchArgs) -> Self {
        Self {
            category: args.category.map(|name| name.as_str().into()),
            city: args.city,
            name: args.name,
            guests: args.guests,
            date: args.date,
            tag: args.tag,
            words: args.words,
            style: args.style,
            amenity: args.amenity,
            cuisine: args.cuisine,
            max_price: args.max_price,
            max_guest_price: args.max_guest_price,
            currency: args.currency,
            near: args.near,
            within_km: args.within,
            source: args.source,
            catering: args.catering,
            offset: args.offset,
            min_rating: args.min_rating,
            limit: args.limit,
        }
    }
}
