//! The statements of sourcing.

use std::sync::LazyLock;

use super::columns::SELECT_LIST;

/// Vendors of the city, and travelling ones of other cities whose radius reaches its centre: the
/// box finds them by an index, the distance decides.
const SERVING: &str = "
    WITH cat AS MATERIALIZED (SELECT id, lead_minutes FROM service_category WHERE name = $1),
         here AS MATERIALIZED (SELECT id, lat, lon FROM city WHERE key = $2),
         v AS (
             SELECT local.* FROM vendor local
             WHERE local.category_id = (SELECT id FROM cat)
               AND local.city_id = (SELECT id FROM here)
             UNION ALL
             SELECT guest.* FROM vendor guest
             WHERE guest.category_id = (SELECT id FROM cat)
               AND guest.service_radius_km IS NOT NULL
               AND box_around(guest.lat, guest.lon, guest.service_radius_km)
                   @> (SELECT box(point(lon, lat)) FROM here)
               AND guest.city_id <> (SELECT id FROM here)
               AND km_between(guest.lat, guest.lon, (SELECT lat FROM here),
                              (SELECT lon FROM here)) <= guest.service_radius_km)";

/// All that serve the city.
pub(crate) static RELAXED: LazyLock<String> =
    LazyLock::new(|| format!("{SERVING} SELECT v.id, v.packed FROM v"));

/// The needed window runs from setup to teardown, and a vendor must be open on each local day of
/// it: `$6` are the instants at which the days around begin, `$7` their dates. A vendor is busy when none of its slots is
/// free over all of it: a booking occupies one slot from its start to its end. Most vendors have
/// no booking near the event, so that is asked first.
static CONSTRAINTS: LazyLock<String> = LazyLock::new(|| {
    let near = "b.vendor_id = v.id AND b.state IN ('held', 'confirmed')
        AND upper(b.during) > $9 - make_interval(mins =>
            (SELECT lead_minutes FROM cat) + v.setup_minutes)
        AND lower(b.during) < $10 + make_interval(mins => v.teardown_minutes)
        AND (b.expires_at IS NULL OR b.expires_at > now())
        AND b.plan_id IS DISTINCT FROM $11";
    // `width_bucket` counts the days that have begun.
    let days = "($7)[
        width_bucket($9 - make_interval(mins =>
            (SELECT lead_minutes FROM cat) + v.setup_minutes), $6) :
        width_bucket($10 + make_interval(mins => v.teardown_minutes)
            - interval '1 microsecond', $6)]";
    format!(
        "v.currency = $3
         AND (v.capacity_min IS NULL OR v.capacity_min <= $4)
         AND (v.capacity_max IS NULL OR v.capacity_max >= $4)
         AND v.lead_days <= $5
         AND (v.blackout_dates = '{{}}' AND v.closed_weekdays = '{{}}'
              OR NOT EXISTS (SELECT FROM unnest({days}) AS day
                             WHERE day = ANY (v.blackout_dates)
                                OR extract(isodow FROM day)::smallint = ANY (v.closed_weekdays)))
         AND NOT v.external_id = ANY ($8)
         AND (NOT EXISTS (SELECT FROM booking b WHERE {near})
              OR (SELECT count(DISTINCT b.slot) FROM booking b WHERE {near})
                  < v.parallel_events)"
    )
});

/// Those of them that meet the hard constraints.
pub(crate) static FEASIBLE: LazyLock<String> =
    LazyLock::new(|| format!("{SERVING} SELECT v.id, v.packed FROM v WHERE {}", *CONSTRAINTS));

pub(crate) static BY_ROW_IDS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM vendor v
         JOIN service_category cat ON cat.id = v.category_id
         JOIN city ci ON ci.id = v.city_id
         LEFT JOIN area a ON a.id = v.area_id
         WHERE v.id = ANY ($1)",
        *SELECT_LIST
    )
});
