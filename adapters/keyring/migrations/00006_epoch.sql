-- +goose Up

-- Whoever wraps an epoch key decides how long the wrapped form is.
ALTER TABLE kek_epoch DROP CONSTRAINT kek_epoch_wrapped_kek_check, DROP CONSTRAINT kek_epoch_wrapped_index_check;
ALTER TABLE kek_epoch
    ADD provider_key text        NOT NULL DEFAULT '',
    ADD state        text        NOT NULL DEFAULT 'living' CHECK (state IN ('making', 'living', 'retiring')),
    ADD arrived      integer     NOT NULL DEFAULT 0,
    ADD moved        integer     NOT NULL DEFAULT 0,
    ADD tested_at    timestamptz,
    ADD tested_keys  integer     NOT NULL DEFAULT 0,
    ADD tested_from  text        NOT NULL DEFAULT '';
CREATE UNIQUE INDEX kek_epoch_making ON kek_epoch (state) WHERE state = 'making';
COMMENT ON COLUMN kek_epoch.provider_key IS 'name of the key at the provider; empty for the single file of the first release';
COMMENT ON COLUMN kek_epoch.arrived IS 'keys that moved here from an earlier epoch';
COMMENT ON COLUMN kek_epoch.moved IS 'living keys that moved from here to a later epoch';
COMMENT ON COLUMN kek_epoch.tested_at IS 'last restore test since a key was moved here';

-- The value beside its token, sealed under the key of its owner and purpose:
-- without it no token could be made again under the next epoch.
ALTER TABLE lookup ADD sealed bytea;

-- Copies of epoch keys that were taken out of this store.
CREATE TABLE escrow (
    escrow       uuid        PRIMARY KEY,
    made_at      timestamptz NOT NULL,
    epochs       integer[]   NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('passphrase', 'recipient')),
    place        text        NOT NULL,
    digest       bytea       NOT NULL CHECK (octet_length(digest) = 32),
    verified_at  timestamptz,
    destroyed_at timestamptz
);
COMMENT ON COLUMN escrow.digest IS 'SHA-256 of the file as written';

-- +goose Down
DROP TABLE escrow;
ALTER TABLE lookup DROP COLUMN sealed;
DROP INDEX kek_epoch_making;
ALTER TABLE kek_epoch DROP COLUMN provider_key, DROP COLUMN state, DROP COLUMN arrived, DROP COLUMN moved, DROP COLUMN tested_at, DROP COLUMN tested_keys, DROP COLUMN tested_from;
