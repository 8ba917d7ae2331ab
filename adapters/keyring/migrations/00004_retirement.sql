-- +goose Up

-- What is left of a retired epoch. Every copy of a key that was wrapped under it
-- is noise from final_at on.
CREATE TABLE retirement (
    epoch         integer     PRIMARY KEY,
    created_at    timestamptz NOT NULL,
    retired_at    timestamptz NOT NULL,
    final_at      timestamptz NOT NULL,
    provider      text        NOT NULL,
    provider_key  text        NOT NULL,
    reach         text        NOT NULL,
    keys_rewrapped integer    NOT NULL,
    keys_destroyed integer    NOT NULL,
    previous      bytea       NOT NULL,
    hash          bytea       NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON COLUMN retirement.final_at IS 'retired_at, and how long the provider delays a destruction';
COMMENT ON COLUMN retirement.previous IS 'hash of the receipt before, empty in the first';

-- +goose Down
DROP TABLE retirement;
