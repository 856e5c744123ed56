-- The transparency log: what the sequencer makes of the pending batches, and what is read of it.
--
-- The service reads these tables and writes them through the functions at the end only. They run as the
-- owner, and each does one thing that the log allows: append, publish, erase, prune, maintain.

-- n × (u16be count ‖ count × (u8 kind ‖ 8 bytes)): blind-index terms. Null in rows of earlier versions.
alter table audit_pending add column terms bytea;
alter table audit_pending alter column terms set storage external;

-- One row per shard of the log. `edge` holds the open tiles, level 0 first: all that is needed to append.
create table audit_log (
  log_id smallint primary key check (log_id > 0),
  -- As it stands in URLs: a year, and a number when a year has more than one.
  shard text not null unique check (shard ~ '^[0-9]{4}(-[0-9]{1,3})?$'),
  origin text not null unique,
  state text not null check (state in ('active', 'frozen')),
  size bigint not null check (size >= 0),
  root bytea not null check (octet_length(root) = 32),
  edge bytea not null,
  -- Entries below it are pruned; their hashes stay.
  min_index bigint not null default 0 check (min_index >= 0),
  created_at timestamptz not null default clock_timestamp()
);
alter table audit_log alter column edge set storage external;
create unique index audit_log_active on audit_log (state) where state = 'active';

-- How far each writer is integrated. Writers outlive shards: their numbers go on in the next one.
create table audit_writer (
  boot_id bytea primary key check (octet_length(boot_id) = 16),
  next_seq bigint not null check (next_seq >= 0),
  -- Day of the last batch taken: where the next one is looked for.
  last_day date not null,
  last_seen timestamptz not null default clock_timestamp(),
  closed boolean not null default false
);
create index audit_writer_open on audit_writer (boot_id) where not closed;

-- What one cycle integrated: immutable, but for disclosures that are erased.
create table audit_segment (
  log_id smallint not null references audit_log,
  first_index bigint not null check (first_index >= 0),
  n int not null check (n between 1 and 4096),
  -- Least and greatest `t` of its leaves.
  first_ms bigint not null,
  last_ms bigint not null,
  -- Greatest `t` of this and all earlier segments of the shard: ascends, whatever the clocks did.
  reached_ms bigint not null,
  -- What occurs in it: 'op:detokenize', 'out:deny', 'vlt:demo'. Where it does: audit_term.
  facets text[] not null,
  leaves bytea not null,   -- n × (u16be length ‖ leaf)
  who bytea not null,      -- n × (u32be vault id ‖ u32be length ‖ sealed disclosure); zeroes where erased
  what bytea not null,     -- the same
  offsets bytea not null,  -- n × (u32be in leaves ‖ u32be in who ‖ u32be in what): where each begins
  primary key (log_id, first_index)
);
alter table audit_segment
  alter column leaves set storage external,
  alter column who set storage external,
  alter column what set storage external,
  alter column offsets set storage external;
create index audit_segment_reached on audit_segment (log_id, reached_ms, first_index);
-- Segments with an event that came a minute late or later: where a search in time must look, too.
create index audit_segment_late on audit_segment (log_id, first_index)
  where reached_ms - first_ms > 60000;
create index audit_segment_facets on audit_segment using gin (facets);

-- Blind index: which events of which segment a term stands in, ascending. 64 bits of a keyed hash, a key a
-- month; hits are checked against what they name. Event ids and facets ('op:detokenize', 'out:deny',
-- 'vlt:demo', 'pur:<16 hex digits>') are terms as well, without a key.
create table audit_term (
  term bigint not null,
  log_id smallint not null,
  segment bigint not null,
  positions smallint[] not null,
  primary key (term, log_id, segment)
);

-- Full tiles only: open ones are cut from the edge.
create table audit_tile (
  log_id smallint not null references audit_log,
  level smallint not null check (level between 0 and 63),
  n bigint not null check (n >= 0),
  hashes bytea not null check (octet_length(hashes) = 8192),
  primary key (log_id, level, n)
);
alter table audit_tile alter column hashes set storage external;

-- Published checkpoints, with the cosignatures that they had by then.
create table audit_checkpoint (
  log_id smallint not null references audit_log,
  size bigint not null check (size >= 0),
  root bytea not null check (octet_length(root) = 32),
  note text not null,
  published_at timestamptz not null default clock_timestamp(),
  primary key (log_id, size)
);

-- Whose turn it is to sign: at most one checkpoint of a log a second, whatever the number of instances.
create table audit_turn (
  log_id smallint primary key references audit_log,
  taken_at timestamptz not null
);

-- What was erased, and which event tells of it.
create table audit_erasure (
  event_id bytea not null check (octet_length(event_id) = 16),
  log_id smallint not null references audit_log,
  label text not null check (label in ('who', 'what')),
  indexes bytea not null,  -- u64be each, ascending
  erased_at timestamptz not null default clock_timestamp(),
  primary key (event_id, log_id, label)
);

grant select on audit_log, audit_writer, audit_segment, audit_term, audit_tile, audit_checkpoint,
  audit_erasure to counterfoil_service;

-- As before, but for the owner's own functions: they say so for the length of their transaction.
create or replace function audit_refuse_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('counterfoil.audit_change', true) = tg_op then
    return case tg_op when 'DELETE' then old else new end;
  end if;
  raise exception '% is append-only: % refused', tg_table_name, tg_op
    using errcode = 'insufficient_privilege';
end
$$;

do $$
declare
  guarded text;
begin
  foreach guarded in array array['audit_segment', 'audit_tile', 'audit_checkpoint', 'audit_erasure'] loop
    execute format('create trigger refuse_change before update or delete on public.%I
      for each row execute function audit_refuse_change()', guarded);
    execute format('create trigger refuse_truncate before truncate on public.%I
      for each statement execute function audit_refuse_change()', guarded);
  end loop;
end
$$;

-- Locks the active shard for the rest of the transaction and gives its state. No row: there is none, or
-- another instance is at it.
create function audit_lock() returns setof audit_log
  language sql security definer
  set search_path = pg_catalog, pg_temp
as $$
  select * from public.audit_log where state = 'active' for update skip locked;
$$;

-- Opens a shard and freezes the one before it, if there is one. The caller appends the first leaf in the
-- same transaction. Null: somebody else did it already.
create function audit_open(p_previous smallint, p_shard text, p_origin text, p_root bytea)
  returns smallint
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  made smallint;
begin
  update public.audit_log set state = 'frozen' where log_id = p_previous and state = 'active';
  if p_previous is not null and not found then
    return null;
  end if;
  insert into public.audit_log (log_id, shard, origin, state, size, root, edge)
  values (coalesce((select max(log_id) from public.audit_log), 0) + 1, p_shard, p_origin, 'active', 0, p_root, '')
  on conflict do nothing
  returning log_id into made;
  return made;
end
$$;

-- Appends one segment at exactly the end of an active shard, with its terms, the tiles that it filled, the
-- new head, and how far each writer has come. Each element of p_positions is an array literal.
create function audit_append(
  p_log smallint, p_first bigint, p_n int, p_first_ms bigint, p_last_ms bigint, p_facets text[],
  p_leaves bytea, p_who bytea, p_what bytea, p_offsets bytea,
  p_terms bigint[], p_positions text[],
  p_tile_levels smallint[], p_tile_indexes bigint[], p_tile_hashes bytea,
  p_root bytea, p_edge bytea,
  p_boots bytea[], p_next bigint[], p_days date[], p_closed boolean[]
) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update public.audit_log set size = p_first + p_n, root = p_root, edge = p_edge
  where log_id = p_log and state = 'active' and size = p_first;
  if not found then
    raise exception 'the log has moved on' using errcode = 'serialization_failure';
  end if;
  insert into public.audit_segment
    (log_id, first_index, n, first_ms, last_ms, reached_ms, facets, leaves, who, what, offsets)
  values (p_log, p_first, p_n, p_first_ms, p_last_ms,
    greatest(p_last_ms, (select reached_ms from public.audit_segment
      where log_id = p_log order by first_index desc limit 1)),
    p_facets, p_leaves, p_who, p_what, p_offsets);
  insert into public.audit_term (term, log_id, segment, positions)
  select term, p_log, p_first, at::smallint[]
  from unnest(p_terms, p_positions) as posting (term, at);
  insert into public.audit_tile (log_id, level, n, hashes)
  select p_log, level, n, substring(p_tile_hashes from 8192 * (place::int - 1) + 1 for 8192)
  from unnest(p_tile_levels, p_tile_indexes) with ordinality as tile (level, n, place);
  insert into public.audit_writer (boot_id, next_seq, last_day, closed)
  select boot_id, next_seq, day, closed
  from unnest(p_boots, p_next, p_days, p_closed) as writer (boot_id, next_seq, day, closed)
  on conflict (boot_id) do update
    set next_seq = excluded.next_seq, last_day = excluded.last_day, closed = excluded.closed,
        last_seen = clock_timestamp();
end
$$;

-- True for one caller a second: it may sign.
create function audit_take_turn(p_log smallint) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.audit_turn (log_id, taken_at) values (p_log, clock_timestamp())
  on conflict (log_id) do update set taken_at = excluded.taken_at
    where audit_turn.taken_at < clock_timestamp() - interval '1 second';
  return found;
end
$$;

-- Publishes a signed checkpoint of what the shard has. Nothing happens when a checkpoint of this or a greater
-- size is there, so a size that it does not have would end all publication.
create function audit_publish(p_log smallint, p_size bigint, p_root bytea, p_note text) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.audit_log
  where log_id = p_log and (size > p_size or (size = p_size and root = p_root));
  if not found then
    raise exception 'not a state of the log' using errcode = 'invalid_parameter_value';
  end if;
  if exists (select from public.audit_checkpoint where log_id = p_log and size >= p_size) then
    return false;
  end if;
  insert into public.audit_checkpoint (log_id, size, root, note) values (p_log, p_size, p_root, p_note)
  on conflict do nothing;
  return found;
end
$$;

do $$
declare
  callable regprocedure;
begin
  for callable in
    select oid from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace
      and proname in ('audit_lock', 'audit_open', 'audit_append', 'audit_take_turn', 'audit_publish')
  loop
    execute format('revoke all on function %s from public', callable);
    execute format('grant execute on function %s to counterfoil_service', callable);
  end loop;
end
$$;
