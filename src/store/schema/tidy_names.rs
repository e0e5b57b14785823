//! Brings the names and ids that earlier versions stored into the form of [`model`]'s
//! names: once, in one transaction, after the migration that asks for it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tokio_postgres::{Client, Error, Transaction};

use super::advisory_locks::IMPORT;
use model::{name_key, tidy_id, tidy_name};

const TASK: &str = "tidy_names";
/// Vendors whose ids are renamed by one statement.
const BATCH: usize = 10_000;

/// Does nothing where it has been done.
///
/// # Errors
/// What the database says; nothing is changed then.
pub(crate) async fn tidy_names(client: &mut Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    let due = transaction.query("DELETE FROM upkeep WHERE task = $1 RETURNING task", &[&TASK]);
    if due.await?.is_empty() {
        return Ok(());
    }
    // Another daemon may import meanwhile, and refer to a city that is about to go.
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&IMPORT]).await?;
    tidy_cities(&transaction).await?;
    tidy_areas(&transaction).await?;
    tidy_vendors(&transaction).await?;
    tidy_plans(&transaction).await?;
    transaction.commit().await
}

/// Rows that have one key now: the first one stays, the others go over to it.
#[derive(Default)]
struct Merges {
    stays: Vec<i32>,
    goes: Vec<i32>,
}

/// `rows`: id, group and name, by id. Merges those of one group and key; returns with it the
/// keys and names that those which stay need: id, key, name.
fn merged(rows: &[(i32, i32, String)]) -> (Merges, BTreeMap<i32, (String, String)>) {
    let mut first: BTreeMap<(i32, String), i32> = BTreeMap::new();
    let (mut merges, mut names) = (Merges::default(), BTreeMap::new());
    for (id, group, name) in rows {
        let key = name_key(name).into_owned();
        match first.get(&(*group, key.clone())) {
            Some(stays) => {
                merges.stays.push(*stays);
                merges.goes.push(*id);
            }
            None => {
                first.insert((*group, key.clone()), *id);
                names.insert(*id, (key, tidy_name(name).into_owned()));
            }
        }
    }
    (merges, names)
}

async fn tidy_cities(transaction: &Transaction<'_>) -> Result<(), Error> {
    let rows = transaction.query("SELECT id, name FROM city ORDER BY id", &[]).await?;
    let rows: Vec<_> = rows.iter().map(|row| (row.get(0), 0, row.get(1))).collect();
    let (Merges { stays, goes }, names) = merged(&rows);
    if !goes.is_empty() {
        let merges = "unnest($1::int[], $2::int[]) AS m (stays, goes)";
        for sql in [
            format!("UPDATE vendor SET city_id = stays FROM {merges} WHERE city_id = goes"),
            // Keys of areas are only unique within a city: until they are made anew, such as
            // nobody has.
            format!(
                "UPDATE area SET city_id = stays, key = '  ' || id FROM {merges}
                 WHERE city_id = goes"
            ),
            format!(
                "UPDATE city SET lat = other.lat, lon = other.lon
                 FROM {merges} JOIN city other ON other.id = goes
                 WHERE city.id = stays AND city.lat IS NULL AND other.lat IS NOT NULL"
            ),
        ] {
            transaction.execute(&sql, &[&stays, &goes]).await?;
        }
        transaction.execute("DELETE FROM city WHERE id = ANY ($1)", &[&goes]).await?;
    }
    rename(transaction, "city", &names).await
}

async fn tidy_areas(transaction: &Transaction<'_>) -> Result<(), Error> {
    let sql = "SELECT id, city_id, name FROM area ORDER BY id";
    let rows = transaction.query(sql, &[]).await?;
    let rows: Vec<_> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let (Merges { stays, goes }, names) = merged(&rows);
    if !goes.is_empty() {
        let merges = "unnest($1::int[], $2::int[]) AS m (stays, goes)";
        for sql in [
            format!("UPDATE vendor SET area_id = stays FROM {merges} WHERE area_id = goes"),
            format!(
                "UPDATE area SET lat = other.lat, lon = other.lon
                 FROM {merges} JOIN area other ON other.id = goes
                 WHERE area.id = stays AND area.lat IS NULL AND other.lat IS NOT NULL"
            ),
        ] {
            transaction.execute(&sql, &[&stays, &goes]).await?;
        }
        transaction.execute("DELETE FROM area WHERE id = ANY ($1)", &[&goes]).await?;
    }
    rename(transaction, "area", &names).await
}

/// Writes keys and names where they differ.
async fn rename(
    transaction: &Transaction<'_>,
    table: &str,
    names: &BTreeMap<i32, (String, String)>,
) -> Result<(), Error> {
    let ids: Vec<i32> = names.keys().copied().collect();
    let keys: Vec<&str> = names.values().map(|(key, _)| key.as_str()).collect();
    let shown: Vec<&str> = names.values().map(|(_, name)| name.as_str()).collect();
    let sql = format!(
        "UPDATE {table} SET key = m.key, name = m.name
         FROM unnest($1::int[], $2::text[], $3::text[]) AS m (id, key, name)
         WHERE {table}.id = m.id AND ({table}.key <> m.key OR {table}.name <> m.name)"
    );
    transaction.execute(&sql, &[&ids, &keys, &shown]).await.map(drop)
}

/// A vendor whose tidy id is another's gets a number behind it.
async fn tidy_vendors(transaction: &Transaction<'_>) -> Result<(), Error> {
    let sql = "SELECT id, external_id FROM vendor WHERE external_id ~ '[^!-~]' \
               ORDER BY external_id";
    let rows = transaction.query(sql, &[]).await?;
    let mut wanted: Vec<(i64, String)> = Vec::new();
    for row in &rows {
        let (id, old): (i64, &str) = (row.get(0), row.get(1));
        let tidy = tidy_id(old);
        if tidy != old {
            // One that held nothing visible is called by its row.
            let named = if tidy.is_empty() { format!("vendor {id}") } else { tidy.into_owned() };
            wanted.push((id, named));
        }
    }
    for batch in wanted.chunks(BATCH) {
        let new: Vec<&str> = batch.iter().map(|(_, new)| new.as_str()).collect();
        let mut taken = existing(transaction, &new).await?;
        let (mut ids, mut names, mut rest) = (Vec::new(), Vec::new(), Vec::new());
        for (id, new) in batch {
            if taken.insert(new.clone()) {
                ids.push(*id);
                names.push(new.clone());
            } else {
                rest.push((*id, new));
            }
        }
        for (id, base) in rest {
            let name = free_name(transaction, base, &taken).await?;
            taken.insert(name.clone());
            ids.push(id);
            names.push(name);
        }
        let sql = "UPDATE vendor SET external_id = m.name
                   FROM unnest($1::bigint[], $2::text[]) AS m (id, name) WHERE vendor.id = m.id";
        transaction.execute(sql, &[&ids, &names]).await?;
    }
    Ok(())
}

async fn existing(transaction: &Transaction<'_>, ids: &[&str]) -> Result<HashSet<String>, Error> {
    let sql = "SELECT external_id FROM vendor WHERE external_id = ANY ($1)";
    Ok(transaction.query(sql, &[&ids]).await?.iter().map(|row| row.get(0)).collect())
}

/// `base (2)`, or with the first number behind it that nobody has.
async fn free_name(
    transaction: &Transaction<'_>,
    base: &str,
    taken: &HashSet<String>,
) -> Result<String, Error> {
    // There are fewer vendors than numbers.
    for number in 2_u64.. {
        let name = format!("{base} ({number})");
        if !taken.contains(&name) && existing(transaction, &[&name]).await?.is_empty() {
            return Ok(name);
        }
    }
    Ok(base.to_owned())
}

/// The keys of the cities of plans; those that the server folds alike are left out.
async fn tidy_plans(transaction: &Transaction<'_>) -> Result<(), Error> {
    let sql = "SELECT DISTINCT request->>'city' FROM plan
               WHERE city_key IS NULL AND request->>'city' IS NOT NULL";
    let rows = transaction.query(sql, &[]).await?;
    let cities: BTreeSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let keys: Vec<String> = cities.iter().map(|city| name_key(city).into_owned()).collect();
    let cities: Vec<String> = cities.into_iter().collect();
    let sql = "UPDATE plan SET city_key = m.key
               FROM unnest($1::text[], $2::text[]) AS m (city, key)
               WHERE city_key IS NULL AND request->>'city' = m.city AND lower(m.city) <> m.key";
    transaction.execute(sql, &[&cities, &keys]).await.map(drop)
}
