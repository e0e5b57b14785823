-- The same box as before, as one expression: the server puts it in place of the call, where it
-- ran the function as a query of its own, for every travelling vendor that was written. It calls no
-- function of ours: a restore builds the indexes with an empty search path.
CREATE OR REPLACE FUNCTION box_around(lat double precision, lon double precision,
                                      km double precision)
RETURNS box LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(lat) + (least(km, 20100) / 111.0 + 0.001) >= 89
             OR abs(lon) + (least(km, 20100) / 111.0 + 0.001)
                / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))) >= 180
        THEN box(point(-180, lat - (least(km, 20100) / 111.0 + 0.001)),
                 point(180, lat + (least(km, 20100) / 111.0 + 0.001)))
        ELSE box(point(lon - (least(km, 20100) / 111.0 + 0.001)
                           / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))),
                       lat - (least(km, 20100) / 111.0 + 0.001)),
                 point(lon + (least(km, 20100) / 111.0 + 0.001)
                           / cos(radians(abs(lat) + (least(km, 20100) / 111.0 + 0.001))),
                       lat + (least(km, 20100) / 111.0 + 0.001)))
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
