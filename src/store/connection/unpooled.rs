//! One query on a connection of its own: what a caller would pay without the pool.

use super::connector::Connector;
use crate::{StoreError, settings::DatabaseSettings};

const TASK: &str = "asking over a connection of its own";

/// Connects, asks, disconnects.
///
/// # Errors
/// The database can't be reached.
pub async fn ping_without_pool(settings: &DatabaseSettings) -> Result<(), StoreError> {
    let failed = |error| StoreError::from_driver(TASK, error);
    let (client, connection) = Connector::new(settings)?.connect_raw().await.map_err(failed)?;
    let driving = tokio::spawn(connection);
    let asked = client.simple_query("SELECT 1").await.map(drop).map_err(failed);
    drop(client);
    // Ends with the client; what it says then is of no use to anybody.
    let _ = driving.await;
    asked
}
