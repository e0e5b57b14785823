-- The same box as before, as one expression: the server puts it in place of the call, where it
-- ran the function as a query of its own, for every travelling vendor that was written.

CREATE FUNCTION reach_degrees(km double precision)
RETURNS double precision LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(km, 20100) / 111.0 + 0.001
$$;

CREATE OR REPLACE FUNCTION box_around(lat double precision, lon double precision,
                                      km double precision)
RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(lat) + reach_degrees(km) >= 89
             OR abs(lon) + reach_degrees(km) / cos(radians(abs(lat) + reach_degrees(km))) >= 180
        THEN box(point(-180, lat - reach_degrees(km)), point(180, lat + reach_degrees(km)))
        ELSE box(point(lon - reach_degrees(km) / cos(radians(abs(lat) + reach_degrees(km))),
                       lat - reach_degrees(km)),
                 point(lon + reach_degrees(km) / cos(radians(abs(lat) + reach_degrees(km))),
                       lat + reach_degrees(km)))
        END
$$;

COMMENT ON INDEX plan_queue IS 'claim: the plans whose turn it is';
COMMENT ON INDEX plan_leased IS 'claim: plans whose lease is over';
COMMENT ON INDEX plan_suspect IS 'claim: plans that ended with their daemons';
COMMENT ON INDEX plan_queued_by_client IS 'plan submit: the last turn of a client; its plans in the queue';
COMMENT ON INDEX plan_ended IS 'retention: plans that ended, oldest first';
COMMENT ON INDEX plan_by_replanned IS 'integrity: plans that replan one which is deleted';
COMMENT ON INDEX llm_reply_by_age IS 'kept replies: the newest, and what is too old';
COMMENT ON INDEX llm_reply_pkey IS 'kept replies: one that is stored again';
COMMENT ON INDEX daemon_pkey IS 'integrity: one row per daemon';
COMMENT ON INDEX daemon_lock_key_key IS 'integrity: no two daemons share a lock';
COMMENT ON INDEX plan_proof_pkey IS 'plan show --proof';
