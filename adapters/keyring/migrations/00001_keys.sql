-- +goose Up

-- A key-encryption key for a span of time. Retiring an epoch is what makes the
-- destruction of every key wrapped under it final, in old copies too.
CREATE TABLE kek_epoch (
    epoch         integer     PRIMARY KEY CHECK (epoch > 0),
    provider      text        NOT NULL,
    wrapped_kek   bytea       NOT NULL CHECK (octet_length(wrapped_kek) = 60),
    wrapped_index bytea       NOT NULL CHECK (octet_length(wrapped_index) = 60),
    created_at    timestamptz NOT NULL
);

-- The fence. A row stays for ever: it forbids the return of an erased subject.
CREATE TABLE subject (
    tenant          uuid        NOT NULL,
    subject         uuid        NOT NULL,
    fence           text        NOT NULL CHECK (fence IN ('open', 'restricted', 'closing', 'erased')),
    case_id         uuid,
    restricted_case uuid,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant, subject)
);

CREATE TABLE dek (
    key_id      uuid        PRIMARY KEY,
    tenant      uuid        NOT NULL,
    subject     uuid        NOT NULL,
    purpose     text        NOT NULL,
    period      text        NOT NULL,
    generation  integer     NOT NULL CHECK (generation > 0),
    epoch       integer     NOT NULL REFERENCES kek_epoch,
    wrapped     bytea       NOT NULL CHECK (octet_length(wrapped) = 60),
    check_value bytea       NOT NULL CHECK (octet_length(check_value) = 16),
    reserved    bigint      NOT NULL CHECK (reserved >= 0),
    created_at  timestamptz NOT NULL,
    UNIQUE (tenant, subject, purpose, period, generation),
    FOREIGN KEY (tenant, subject) REFERENCES subject
);
COMMENT ON COLUMN dek.reserved IS 'seals handed out to processes; never less than the seals made';

-- One execution of one case. The digest recognises a repeated order without
-- keeping whom it named.
CREATE TABLE destruction (
    tenant       uuid        NOT NULL,
    case_id      uuid        NOT NULL,
    order_digest bytea       NOT NULL,
    destroyed_at timestamptz NOT NULL,
    lookups      integer     NOT NULL,
    PRIMARY KEY (tenant, case_id)
);

-- What is known of a destroyed key. It holds no subject.
CREATE TABLE tombstone (
    key_id       uuid        PRIMARY KEY,
    tenant       uuid        NOT NULL,
    case_id      uuid        NOT NULL,
    purpose      text        NOT NULL,
    check_value  bytea       NOT NULL,
    epoch        integer     NOT NULL,
    destroyed_at timestamptz NOT NULL
);
CREATE INDEX tombstone_case ON tombstone (tenant, case_id);

-- Blind indexes. An absent person or work id is the nil id.
CREATE TABLE lookup (
    tenant  uuid    NOT NULL,
    kind    text    NOT NULL,
    token   bytea   NOT NULL CHECK (octet_length(token) = 32),
    epoch   integer NOT NULL REFERENCES kek_epoch,
    purpose text    NOT NULL,
    person  uuid    NOT NULL,
    work    uuid    NOT NULL,
    PRIMARY KEY (tenant, kind, token)
);
CREATE INDEX lookup_person ON lookup (tenant, person);
CREATE INDEX lookup_work ON lookup (tenant, work);

-- +goose Down
DROP TABLE lookup, tombstone, destruction, dek, subject, kek_epoch;
