-- Checked replies of LLM servers that outlive a restart (llm.response_cache_persistent).

CREATE TABLE llm_reply (
    -- Digest of the request: model, options, schema, messages; no text of it.
    key       text COLLATE "C" PRIMARY KEY CHECK (key ~ '^[0-9a-f]{64}$'),
    reply     jsonb NOT NULL,
    stored_at timestamptz NOT NULL
);

-- The newest first, and what is too old.
CREATE INDEX llm_reply_by_age ON llm_reply (stored_at);
