SET session_replication_role = replica;
INSERT INTO city (key, name, lat, lon)
SELECT 'city ' || i, 'City ' || i, (i % 60) - 30, (i * 7 % 170) FROM generate_series(1, 2000) i;
INSERT INTO area (city_id, key, name, lat, lon)
SELECT c, 'area ' || a, 'Area ' || a, 0, 0 FROM generate_series(1, 2000) c, generate_series(1, 5) a;
INSERT INTO vendor (external_id, category_id, city_id, area_id, lat, lon, service_radius_km,
    capacity_max, rating, setup_minutes, teardown_minutes, lead_days, parallel_events, tax,
    service_charge, closed_weekdays, blackout_dates, currency, price_labels, price_bases,
    price_amounts, price_options, name, description, tags, amenities, styles, details,
    import_number)
SELECT 'v' || i, cat, 1 + i % 2000, 1 + (i % 2000) * 5, (i % 60) - 30 + i % 97 / 1000.0,
    i * 7 % 170 + i % 89 / 1000.0, CASE WHEN i % 20 = 0 THEN 30 END,
    CASE WHEN cat = 1 THEN 1 + i * 13 % 2000 END, 2.5 + i % 26 / 10.0, 0, 0, 0, 1, 0, 0, '{}',
    '{}', 'INR', '{plate,hall}', '{g,f}', ARRAY[60000 + i * 7 % 70000, 5000000], '{NULL,NULL}',
    'House ' || i, 'A fine place, word' || i, ARRAY['tag' || i % 6000], ARRAY['am' || i % 6000],
    ARRAY['style' || i % 6000], jsonb_build_object('source',
    jsonb_build_object('name', 'fair ' || i % 3000, 'as_of', '2026-10-01')), 1
FROM (SELECT i, (ARRAY[1, 1, 2, 2, 3, 4, 5, 6, 7, 8])[1 + (i / 2000) % 10] AS cat
      FROM generate_series(1, 60000) i) made;
INSERT INTO plan (id, state, idempotency_key, fingerprint, request, currency, seed, requested_by,
    created_at, updated_at, state_since, run_after, audit_seq, audit_hash, lease_owner, lease_until)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, made.state,
    'key ' || i, decode(repeat('00', 32), 'hex'),
    jsonb_build_object('client', jsonb_build_object('name', 'Client ' || i), 'event_type',
        CASE WHEN i % 500 = 0 THEN 'gala' ELSE 'wedding' END, 'date',
        (date '2027-01-01' + i % 300)::text, 'city', 'City ' || i % 500, 'guests', 100, 'budget',
        jsonb_build_object('amount', '1.00', 'currency', 'INR')),
    'INR', 0, i % 400, at, at, at, at, 1, decode(repeat('00', 32), 'hex'),
    CASE WHEN made.state = 'running' THEN 'daemon' END,
    CASE WHEN made.state = 'running' THEN at END
FROM (SELECT i, timestamptz '2027-06-19 00:00Z' - i * interval '5 minutes' AS at,
             CASE WHEN i % 100 = 1 THEN 'queued' WHEN i % 100 = 2 THEN 'running'
                  WHEN i % 100 = 3 THEN 'failed' WHEN i % 400 = 4 THEN 'cancelled'
                  ELSE 'completed' END AS state
      FROM generate_series(1, 20000) i) made;
INSERT INTO plan_event (plan_id, seq, at, kind, detail, prev_hash, hash)
SELECT id, seq, created_at, CASE WHEN seq = 3 THEN 'claim' ELSE 'state' END, '{}',
    decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
FROM plan, generate_series(1, 4) seq ORDER BY created_at;
INSERT INTO agent_run (plan_id, agent, started_at, ended_at, outcome)
SELECT id, (ARRAY['requirements', 'budgeting', 'sourcing'])[n], created_at, created_at,
    CASE WHEN plan.state = 'failed' THEN 'failed' ELSE 'ok' END
FROM plan, generate_series(1, 3) n ORDER BY created_at;
INSERT INTO checkpoint (plan_id, round, run_number, version, codec, body)
SELECT id, round, 1, 1, 'x', '' FROM plan, generate_series(1, 2) round;
INSERT INTO document (plan_id, name, media_type, body)
SELECT id, 'blueprint.md', 'text/markdown', '' FROM plan;
INSERT INTO booking (vendor_id, slot, plan_id, during, state, expires_at)
SELECT i * 3, 1, ('00000000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
    tstzrange(at, at + interval '8 hours'), CASE WHEN i % 50 = 0 THEN 'held' ELSE 'confirmed' END,
    CASE WHEN i % 50 = 0 THEN now() - (i % 7 - 5) * interval '1 hour' END
FROM (SELECT i, timestamptz '2027-06-19 10:00Z' + (i % 30 - 15) * interval '1 day' AS at
      FROM generate_series(1, 20000) i) made;
INSERT INTO workflow_metric (at, name, value)
SELECT now() - interval '90 days 10 minutes' + i / 4 * interval '1 minute',
    (ARRAY['cpu_ratio', 'a', 'b', 'c'])[1 + i % 4], 1 FROM generate_series(0, 99999) i;
INSERT INTO catalogue_change (at, written_by, category_id, city_id)
SELECT now() - (i % 1450) * interval '1 minute', '3'::xid8, 1, i % 2000 FROM generate_series(1, 20000) i;
INSERT INTO llm_reply (key, reply, stored_at)
SELECT md5(i::text) || md5(i::text), '{}', timestamptz '2027-06-19 00:00Z' - i * interval '1 minute'
FROM generate_series(1, 20000) i;
INSERT INTO plan_proof (plan_id, version, problem, certificate) SELECT id, 1, '', '' FROM plan;
SET session_replication_role = origin;
