-- The indexes of the large tables. They are no migration: on tables that have grown they are
-- built one by one, CONCURRENTLY, beside the daemon's work; one that a crash left half built is
-- dropped and built anew. Each has a comment that names the query it serves, and
-- tests/database/indexes.rs finds each one used by it.

CREATE INDEX vendor_by_place ON vendor (category_id, city_id, rating DESC NULLS LAST, external_id);
COMMENT ON INDEX vendor_by_place IS 'sourcing: a category in a city; vendors search --category --city, best first';

CREATE INDEX vendor_travelling ON vendor USING gist (category_id, box_around(lat, lon, service_radius_km)) WHERE service_radius_km IS NOT NULL;
COMMENT ON INDEX vendor_travelling IS 'sourcing: vendors of other cities whose radius reaches this one';

CREATE INDEX vendor_by_rating ON vendor (rating DESC NULLS LAST, external_id);
COMMENT ON INDEX vendor_by_rating IS 'vendors search, best first; --min-rating';

CREATE INDEX vendor_by_category ON vendor (category_id, rating DESC NULLS LAST, external_id);
COMMENT ON INDEX vendor_by_category IS 'vendors search --category, best first';

CREATE INDEX vendor_by_city ON vendor (city_id, rating DESC NULLS LAST, external_id);
COMMENT ON INDEX vendor_by_city IS 'vendors search --city, best first; a renamed city or area';

CREATE INDEX vendor_by_guest_price ON vendor (category_id, currency, guest_price(price_bases, price_amounts));
COMMENT ON INDEX vendor_by_guest_price IS 'vendors search --category --max-guest-price';

CREATE INDEX vendor_by_lowest_price ON vendor (currency, lowest_price(price_amounts));
COMMENT ON INDEX vendor_by_lowest_price IS 'vendors search --max-price';

CREATE INDEX vendor_by_location ON vendor USING gist (point(lon, lat)) WHERE lat IS NOT NULL;
COMMENT ON INDEX vendor_by_location IS 'vendors search --near --within';

CREATE INDEX vendor_name_trigrams ON vendor USING gin (name gin_trgm_ops);
COMMENT ON INDEX vendor_name_trigrams IS 'vendors search --name: a part of the name';

CREATE INDEX vendor_words ON vendor USING gin (to_tsvector('simple', name || ' ' || coalesce(description, '')));
COMMENT ON INDEX vendor_words IS 'vendors search --words: full text of name and description';

CREATE INDEX vendor_tags ON vendor USING gin (tags);
COMMENT ON INDEX vendor_tags IS 'vendors search --tag, --cuisine';

CREATE INDEX vendor_styles ON vendor USING gin (styles);
COMMENT ON INDEX vendor_styles IS 'vendors search --style, --tag';

CREATE INDEX vendor_amenities ON vendor USING gin (amenities);
COMMENT ON INDEX vendor_amenities IS 'vendors search --amenity, --tag';

CREATE INDEX vendor_details ON vendor USING gin (details jsonb_path_ops) WHERE details IS NOT NULL;
COMMENT ON INDEX vendor_details IS 'vendors search --source, --catering';

CREATE INDEX booking_live ON booking (vendor_id) INCLUDE (slot, during, expires_at, plan_id) WHERE state IN ('held', 'confirmed');
COMMENT ON INDEX booking_live IS 'sourcing, holds, the next free option: live bookings of a vendor, from the index alone';

CREATE INDEX plan_by_state ON plan (state, created_at DESC, id DESC);
COMMENT ON INDEX plan_by_state IS 'plan list --state; how many plans stand in a state';

CREATE INDEX plan_by_user ON plan (requested_by, created_at DESC, id DESC) WHERE requested_by IS NOT NULL;
COMMENT ON INDEX plan_by_user IS 'plan list --user';

CREATE INDEX plan_by_date ON plan ((request->>'date'), created_at DESC);
COMMENT ON INDEX plan_by_date IS 'plan list --date: plans of an event''s day';

CREATE INDEX plan_by_city_key ON plan (coalesce(city_key, lower(request->>'city')), created_at DESC);
COMMENT ON INDEX plan_by_city_key IS 'plan list --city';

CREATE INDEX plan_client_trigrams ON plan USING gin ((request#>>'{client,name}') gin_trgm_ops);
COMMENT ON INDEX plan_client_trigrams IS 'plan list --client: a part of the client''s name';

CREATE INDEX plan_request ON plan USING gin (request jsonb_path_ops);
COMMENT ON INDEX plan_request IS 'plan list --event-type, --currency: by any field of the request';

CREATE INDEX plan_failed ON plan (state_since DESC) WHERE state IN ('failed', 'infeasible');
COMMENT ON INDEX plan_failed IS 'report, vendors stats: plans that came to nothing lately';

CREATE INDEX plan_by_lease_owner ON plan (lease_owner) WHERE lease_owner IS NOT NULL;
COMMENT ON INDEX plan_by_lease_owner IS 'start: the leases of this daemon''s former life';

CREATE INDEX plan_event_by_kind ON plan_event (kind, at DESC);
COMMENT ON INDEX plan_event_by_kind IS 'history --kind: events of one kind, newest first';

CREATE INDEX plan_event_times ON plan_event USING brin (at) WITH (pages_per_range = 16);
COMMENT ON INDEX plan_event_times IS 'history --since --until: all events of a span of time';

CREATE INDEX agent_run_failed ON agent_run (started_at DESC) WHERE outcome IN ('failed', 'timed_out');
COMMENT ON INDEX agent_run_failed IS 'history --failed-runs: runs that failed, newest first';

CREATE INDEX agent_run_by_agent ON agent_run (agent, started_at DESC);
COMMENT ON INDEX agent_run_by_agent IS 'history --agent: runs of one agent, newest first';

CREATE INDEX agent_run_times ON agent_run USING brin (started_at) WITH (pages_per_range = 16);
COMMENT ON INDEX agent_run_times IS 'report: how the agents did in a span of time';

CREATE INDEX catalogue_change_writers ON catalogue_change (written_by);
COMMENT ON INDEX catalogue_change_writers IS 'what has changed since a daemon last looked';

CREATE INDEX catalogue_change_times ON catalogue_change (at);
COMMENT ON INDEX catalogue_change_times IS 'pruning: changes that every daemon has seen';
