-- +goose Up

-- A process that may hold unwrapped keys. It counts its beats; who sees none
-- for longer than its lease removes the row, and the process, should it be alive,
-- forgets everything before it registers again.
CREATE TABLE cache_holder (
    holder     uuid        PRIMARY KEY,
    beats      bigint      NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL
);

-- What every holder must forget. It is quiet once no holder can use it any more.
CREATE TABLE revocation (
    revocation   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant       uuid        NOT NULL,
    case_id      uuid        NOT NULL,
    act          text        NOT NULL CHECK (act IN ('close', 'restrict', 'destroy', 'retire')),
    made_at      timestamptz NOT NULL,
    quiet_at     timestamptz,
    acknowledged uuid[]      NOT NULL DEFAULT '{}',
    silent       uuid[]      NOT NULL DEFAULT '{}'
);
CREATE INDEX revocation_case ON revocation (tenant, case_id);
CREATE INDEX revocation_loud ON revocation (revocation) WHERE quiet_at IS NULL;
COMMENT ON COLUMN revocation.silent IS 'holders that did not acknowledge before their lease or the time of what they cached had run out';

-- Until a revocation is quiet; then its own row says who acknowledged.
CREATE TABLE cache_ack (
    holder     uuid   NOT NULL,
    revocation bigint NOT NULL REFERENCES revocation ON DELETE CASCADE,
    PRIMARY KEY (revocation, holder)
);

-- +goose Down
DROP TABLE cache_ack, revocation, cache_holder;
