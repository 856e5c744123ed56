-- The encrypted mapping, and the persons whom values belong to.
--
-- Everything about one token has the token's shard as first key column, so that these tables can be
-- spread over several machines and every uniqueness rule still holds inside one shard. For the same
-- reason, and because a foreign key check locks the row it points at (one vault row would be locked
-- by every insert), token has no foreign keys.

create table token (
  shard smallint not null check (shard between 0 and 255),
  vault_id int not null,
  token text not null,
  field_id smallint not null,
  -- Keyed hash of the value: one column per parity of the fingerprint key's version, because during
  -- a rotation two versions live side by side. Null in random fields, and in rows that lost it.
  fp_even bytea check (octet_length(fp_even) = 16),
  fp_odd bytea check (octet_length(fp_odd) = 16),
  -- 0x01 ‖ u32be key version ‖ nonce[24] ‖ ciphertext (a multiple of 16) ‖ tag[16].
  sealed bytea not null check (octet_length(sealed) >= 61),
  key_version int not null generated always as (
    (get_byte(sealed, 1) << 24) | (get_byte(sealed, 2) << 16)
      | (get_byte(sealed, 3) << 8) | get_byte(sealed, 4)
  ) stored,
  metadata bytea,
  -- The subject under whose secret the row is sealed; null when the vault's key alone opens it.
  subject_id bigint,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  primary key (shard, vault_id, token)
) with (
  -- Rows change only when keys rotate; the free tenth keeps the new version in the same page, and
  -- then no index is touched.
  fillfactor = 90
);
-- Ciphertext does not compress: external storage saves the attempt.
alter table token alter column sealed set storage external;
alter table token alter column metadata set storage external;

-- One live token per value, whatever races.
create unique index token_fp_even on token (shard, vault_id, field_id, fp_even)
  where fp_even is not null;
create unique index token_fp_odd on token (shard, vault_id, field_id, fp_odd)
  where fp_odd is not null;

-- Update: only to take the fingerprint from a dead row.
grant select, insert, delete, update (fp_even, fp_odd) on token to counterfoil_service;

-- The digest is keyed: references of persons are not stored. Ids are unique in the whole database.
create table subject (
  vault_id int not null references vault,
  id bigint generated always as identity,
  digest bytea not null check (octet_length(digest) = 32),
  sealed_secret bytea not null,
  created_at timestamptz not null default now(),
  primary key (vault_id, id),
  unique (vault_id, digest)
);
grant select, insert on subject to counterfoil_service;

-- Whom a token belongs to. No foreign key to subject: its rows may live in a database of their own.
create table token_subject (
  shard smallint not null,
  vault_id int not null,
  token text not null,
  subject_id bigint not null,
  primary key (shard, vault_id, token, subject_id),
  foreign key (shard, vault_id, token) references token on delete cascade
);
create index token_subject_by_subject on token_subject (vault_id, subject_id);
grant select, insert on token_subject to counterfoil_service;

-- Tokens that were ended. The string stays taken for ever.
create table revocation (
  shard smallint not null check (shard between 0 and 255),
  vault_id int not null,
  token text not null,
  -- Which call did it: a call that lost its connection at COMMIT knows its own work again.
  call_id bytea not null check (octet_length(call_id) = 16),
  revoked_at timestamptz not null default now(),
  primary key (shard, vault_id, token)
);
grant select, insert on revocation to counterfoil_service;
