-- Tokens in full: small spaces, limited reveals, tags, imported tokens, idempotent calls, budgets and
-- the erasure of persons.

-- The number that the vault's sealed values are bound to, where it is not the vault's own id: a vault that
-- was restored from the export of another installation stays bound to the id that it had there.
alter table vault add column seal_id int check (seal_id > 0);

-- How many reveals are left; null: without limit. A row with none left is as dead as an expired one.
alter table token add column reveals_left int check (reveals_left >= 0);
-- Of formats with fewer than 2^64 tokens: a keyed 16-bit digest of what the token keeps of its value,
-- by which used tokens are counted. Null for all others.
alter table token add column space smallint;
-- The row of an imported token lies in the token's own shard, like any other. Its value's fingerprint
-- belongs into another one, the shard of placement: there a row of its own holds it, with a token that
-- nobody can ask for (it starts with ~) and the key of the row that it stands for.
alter table token add column target_shard smallint;
alter table token add column target_token text;
alter table token add constraint token_target check ((target_shard is null) = (target_token is null));
create index token_target on token (target_shard, vault_id, target_token)
  where target_token is not null;
-- Both are written in one transaction, and end together, whoever ends the token. Not by a foreign key: its
-- check of each new row, nearly none of which is an alias, would cost a tenth of every insert.
create function token_end_alias() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.token a
  where a.target_shard = old.shard and a.vault_id = old.vault_id and a.target_token = old.token;
  return null;
end
$$;
create trigger token_end_alias after delete on token
  for each row when (old.target_token is null) execute function token_end_alias();
-- Search by time, the newest first. In milliseconds, as callers see it: pages begin where the one before
-- ended, and of finer times they would lose rows. Rows come in the order of time, so this index grows at
-- its end only; block ranges would be cheaper still, but give no order.
alter table token alter column created_at type timestamptz(3);
create index token_created_at on token (vault_id, field_id, created_at) where target_token is null;
create index token_expires_at on token (expires_at) where expires_at is not null;
create index token_spent on token (shard, vault_id, token) where reveals_left = 0;
grant update (reveals_left, metadata) on token to counterfoil_service;

-- Tokens of small formats that ended: the string is never issued again. The digest is keyed, because
-- such a token may keep part of its value.
create table tombstone (
  shard smallint not null check (shard between 0 and 255),
  vault_id int not null,
  digest bytea not null check (octet_length(digest) = 16),
  field_id smallint not null,
  space smallint,
  buried_at timestamptz not null default now(),
  primary key (shard, vault_id, digest)
);
create index tombstone_space on tombstone (vault_id, field_id, space);
grant select, insert on tombstone to counterfoil_service;

-- Keyed digests of the tags in a token's metadata: equality, and nothing else, can be asked for.
create table token_tag (
  shard smallint not null,
  vault_id int not null,
  token text not null,
  tag bytea not null check (octet_length(tag) = 16),
  primary key (shard, vault_id, token, tag),
  foreign key (shard, vault_id, token) references token on delete cascade
);
create index token_tag_by_tag on token_tag (vault_id, tag);
grant select, insert, delete on token_tag to counterfoil_service;

-- Revocations are kept for as long as an instance may hold an answer from before them; the string of a
-- small format stays taken by its tombstone after that.
grant delete on revocation to counterfoil_service;
-- Not by block ranges: where rows go as fast as they come, pages hold old and new ones.
create index revocation_revoked_at on revocation (revoked_at);

-- The answers of calls with an Idempotency-Key. The key is a keyed digest of vault, principal, route and
-- key; the body one of the body. The answer is sealed.
create table idempotency (
  vault_id int not null,
  key bytea not null check (octet_length(key) = 32),
  body bytea not null check (octet_length(body) = 32),
  answer bytea not null,
  subject_id bigint,
  created_at timestamptz not null default now(),
  primary key (vault_id, key)
);
create index idempotency_created_at on idempotency (created_at);
create index idempotency_subject on idempotency (vault_id, subject_id) where subject_id is not null;
-- Update: to replace an answer that is too old to count.
grant select, insert, update, delete on idempotency to counterfoil_service;

-- What was leased of a budget since its window began. The holder is a keyed digest of the principal and
-- the grant.
create table budget_lease (
  vault_id int not null,
  holder bytea not null check (octet_length(holder) = 16),
  window_start timestamptz not null,
  used int not null check (used >= 0),
  -- What the last lease got: a statement that changes a row cannot return what it was before.
  granted int not null check (granted >= 0),
  primary key (vault_id, holder)
);
grant select, insert, update on budget_lease to counterfoil_service;

-- Persons who were erased, by the digest of their reference, with the time that the journal has for it:
-- what a restored backup is compared with the journal by.
create table erasure (
  vault_id int not null,
  digest bytea not null check (octet_length(digest) = 32),
  erased_at timestamptz not null,
  -- Rows of token that went with it.
  erased int not null check (erased >= 0),
  primary key (vault_id, digest, erased_at)
);
grant select, insert on erasure to counterfoil_service;
grant delete on subject, token_subject to counterfoil_service;
-- Locking a row takes the right to update some column of it; nobody reads this one. Inserts lock the
-- subject that they are for, so that an erasure cannot pass them unseen.
grant update (created_at) on subject to counterfoil_service;
-- A restored vault keeps the ids of its subjects, to which values are bound: they are unique in their vault,
-- no longer in the whole database. Those who come later get ids beyond them. Never back, and with room for
-- ids that are given out between the look and the change; nor so far that none are left.
create function subject_pass_ids(p_vault int) returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  highest constant bigint := (select max(id) from public.subject where vault_id = p_vault);
begin
  if highest > (1::bigint << 60) then
    raise exception 'not an id that a subject can have' using errcode = 'invalid_parameter_value';
  end if;
  perform setval('public.subject_id_seq', highest + 1000000)
  from public.subject_id_seq where last_value <= highest;
end
$$;
revoke execute on function subject_pass_ids from public;
grant execute on function subject_pass_ids to counterfoil_service;
-- In the order in which an erasure goes through a person's rows.
create index token_subject_in_order on token_subject (vault_id, subject_id, shard, token);
drop index token_subject_by_subject;
