-- What the audit log may lose, and how: disclosures by erasure or with their month's key, entries by
-- pruning, pending batches once they are in the tree. Leaves of entries that stay, tiles, roots and
-- checkpoints are never touched.
--
-- Nothing of this happens without a trace: each function that starts a loss asks for the event that tells
-- of it, and looks for that event's leaf in the tree. Whoever has the service's role can call them, but
-- not keep silent about it.

-- Segments in order, terms of each together: an index over block ranges costs next to nothing.
create index audit_term_segment on audit_term using brin (log_id, segment) with (autosummarize = on);

-- Where each of the p_n frames of a column stands: p_head bytes, the last 2 or 4 of which are the length
-- of what follows. Walked from the start: the offsets beside it came from a caller.
create function audit_frames(p_bytes bytea, p_n int, p_head int)
  returns table (place int, body int, size int)
  language plpgsql immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  body := 0;
  for at in 0 .. p_n - 1 loop
    place := at;
    body := body + p_head;
    size := get_byte(p_bytes, body - 1) + get_byte(p_bytes, body - 2) * 256
      + case p_head when 2 then 0 else
          get_byte(p_bytes, body - 3) * 65536 + get_byte(p_bytes, body - 4) * 16777216 end;
    return next;
    body := body + size;
  end loop;
  if body <> octet_length(p_bytes) then
    raise exception 'a segment is malformed' using errcode = 'data_corrupted';
  end if;
end
$$;

-- The first 8 bytes of an event id, as the term that the event is found by.
create function audit_event_term(p_event bytea) returns bigint
  language sql immutable
  set search_path = pg_catalog, pg_temp
as $$
  select ('x' || encode(substring(p_event for 8), 'hex'))::bit(64)::bigint;
$$;

-- Refuses unless the tree has a leaf with this id, of this operation, with these attributes among its own.
create function audit_require_told(p_event bytea, p_op text, p_attributes jsonb) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  wanted constant jsonb := jsonb_build_object(
    'id', translate(rtrim(encode(p_event, 'base64'), '='), '+/', '-_'),
    'op', p_op, 'out', 'allow', 'attr', p_attributes);
  found_in record;
begin
  for found_in in
    -- Concatenation unpacks the column once, and not for each byte that is read of it.
    select leaves || ''::bytea as leaves, n, positions
    from public.audit_term natural join
      (select log_id, first_index as segment, n, leaves from public.audit_segment) as segment
    where term = public.audit_event_term(p_event)
  loop
    if exists (
      select from public.audit_frames(found_in.leaves, found_in.n, 2)
      where place = any (found_in.positions)
        and convert_from(substring(found_in.leaves from body + 1 for size), 'UTF8')::jsonb @> wanted
    ) then
      return;
    end if;
  end loop;
  raise exception 'the log does not tell of this' using errcode = 'insufficient_privilege';
end
$$;

-- Begins an erasure: 1 to 65,536 indexes of one shard (u64be, ascending), as the event p_event says in its
-- leaf. What it allows is done by audit_blank, segment by segment. Repeating it changes nothing.
create function audit_erase(p_event bytea, p_log smallint, p_label text, p_indexes bytea) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  total constant int := octet_length(p_indexes) / 8;
  log public.audit_log;
  is_list boolean;
begin
  select * into strict log from public.audit_log where log_id = p_log;
  if octet_length(p_indexes) % 8 <> 0 or total not between 1 and 65536 then
    raise exception 'not a list of indexes' using errcode = 'invalid_parameter_value';
  end if;
  -- As bytes they are in order exactly when they are as numbers.
  select bool_and(previous is null or previous < this)
    and max(('x' || encode(this, 'hex'))::bit(64)::bigint) < log.size
    and min(('x' || encode(this, 'hex'))::bit(64)::bigint) >= 0
  into is_list
  from (
    select this, lag(this) over (order by place) as previous
    from (select place, substring(p_indexes from 8 * place + 1 for 8) as this
          from generate_series(0, total - 1) as place) as listed
  ) as pairs;
  if not is_list then
    raise exception 'indexes are not ascending, or beyond the log' using errcode = 'invalid_parameter_value';
  end if;
  perform public.audit_require_told(p_event, 'audit.erase', jsonb_build_object(
    'shard', log.shard, 'label', p_label, 'count', total,
    'indexes', encode(sha256(p_indexes), 'base64')));
  insert into public.audit_erasure (event_id, log_id, label, indexes)
  values (p_event, p_log, p_label, p_indexes)
  on conflict do nothing;
end
$$;

-- Takes positions of one segment out of the postings of these terms.
create function audit_drop_postings(
  p_log smallint, p_segment bigint, p_positions smallint[], p_terms bigint[]
) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- By joins: a segment has thousands of positions, and operators on arrays compare each with each.
  with kept as materialized (
    select term, array_agg(at order by at) filter (where gone is null) as positions
    from (select term, unnest(positions) as at from public.audit_term
          where log_id = p_log and segment = p_segment and term = any (p_terms)) as posting
    left join unnest(p_positions) as gone on gone = at
    group by term
    having count(gone) > 0
  ), emptied as (
    delete from public.audit_term as posting using kept
    where log_id = p_log and segment = p_segment and posting.term = kept.term and kept.positions is null
  )
  update public.audit_term as posting set positions = kept.positions
  from kept
  where log_id = p_log and segment = p_segment and posting.term = kept.term and kept.positions is not null;
end
$$;

-- Does the part of an erasure that falls into one segment: p_count indexes of its list from place p_from on.
-- Zeroes in place of the sealed bytes, as many as there were; heads, lengths and everything else stay. The
-- terms by which the erased could be found go from the postings of these events, and of no others.
create function audit_blank(
  p_event bytea, p_log smallint, p_label text, p_segment bigint, p_from int, p_count int, p_terms bigint[]
) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  listed bytea;
  places bigint[];
  total int;
  sealed bytea;
  blanked bytea;
begin
  select indexes || ''::bytea into strict listed from public.audit_erasure
  where event_id = p_event and log_id = p_log and label = p_label;
  if p_from < 0 or p_count < 1 or p_from + p_count > octet_length(listed) / 8 then
    raise exception 'not a part of the erasure' using errcode = 'invalid_parameter_value';
  end if;
  select n, case p_label when 'who' then who else what end || ''::bytea into strict total, sealed
  from public.audit_segment where log_id = p_log and first_index = p_segment for update;
  places := array(
    select ('x' || encode(substring(listed from 8 * at + 1 for 8), 'hex'))::bit(64)::bigint - p_segment
    from generate_series(p_from, p_from + p_count - 1) as at order by at);
  if places[1] < 0 or places[p_count] >= total then
    raise exception 'not a part of the segment' using errcode = 'invalid_parameter_value';
  end if;
  select string_agg(
    substring(sealed from body - 7 for 8) || case when gone is null
      then substring(sealed from body + 1 for size) else decode(repeat('00', size), 'hex') end,
    ''::bytea order by place)
  into blanked
  from public.audit_frames(sealed, total, 8) left join unnest(places) as gone on gone = place;
  perform set_config('counterfoil.audit_change', 'UPDATE', true);
  if p_label = 'who' then
    update public.audit_segment set who = blanked where log_id = p_log and first_index = p_segment;
  else
    update public.audit_segment set what = blanked where log_id = p_log and first_index = p_segment;
  end if;
  perform set_config('counterfoil.audit_change', '', true);
  perform public.audit_drop_postings(p_log, p_segment, places::smallint[], p_terms);
end
$$;

-- Destroys the key that seals the disclosures of one vault and month (yyyymm), as the event says. The row
-- stays, with its new MAC, so that the key is never made anew. Never the current month: it is in use.
-- False: there is no such key, or none any more.
create function audit_destroy_key(p_event bytea, p_vault int, p_month int, p_mac bytea) returns boolean
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  vault_name text;
begin
  select name into strict vault_name from public.vault where id = p_vault;
  if p_month >= to_char(clock_timestamp() at time zone 'UTC', 'YYYYMM')::int then
    raise exception 'the month is not over' using errcode = 'invalid_parameter_value';
  end if;
  perform public.audit_require_told(p_event, 'key.destroy', jsonb_build_object(
    'vault', vault_name, 'purpose', 'private', 'month', p_month));
  update public.key_version set state = 'destroyed', wrapped = '', mac = p_mac
  where vault_id = p_vault and purpose = 'private' and version = p_month and state <> 'destroyed';
  return found;
end
$$;

-- Takes the events of one segment whose disclosures no key opens any more, those of a vault and a month
-- with a destroyed key, out of all postings but those of their own ids.
create function audit_forget(p_vault int, p_month int, p_log smallint, p_segment bigint) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  part record;
  places smallint[];
  own bigint[];
begin
  perform from public.key_version
  where vault_id = p_vault and purpose = 'private' and version = p_month and state = 'destroyed';
  if not found then
    raise exception 'the key is not destroyed' using errcode = 'invalid_parameter_value';
  end if;
  select n, leaves || ''::bytea as leaves, who || ''::bytea as who into strict part
  from public.audit_segment where log_id = p_log and first_index = p_segment;
  select array_agg(place order by place),
    array_agg(public.audit_event_term(decode(translate(leaf ->> 'id', '-_', '+/') || '==', 'base64')))
  into places, own
  from (
    select leaves.place, convert_from(substring(part.leaves from leaves.body + 1 for leaves.size), 'UTF8')::jsonb as leaf
    from public.audit_frames(part.leaves, part.n, 2) as leaves
    join public.audit_frames(part.who, part.n, 8) as who using (place)
    where substring(part.who from who.body - 7 for 4) = decode(lpad(to_hex(p_vault), 8, '0'), 'hex')
  ) as of_vault
  where to_char(to_timestamp((leaf ->> 't')::bigint / 1000) at time zone 'UTC', 'YYYYMM')::int = p_month;
  if places is not null then
    perform public.audit_drop_postings(p_log, p_segment, places, array(
      select term from public.audit_term where log_id = p_log and segment = p_segment
      except select unnest(own)));
  end if;
end
$$;

-- Raises the least index that the log still serves, as the event says: a whole number of bundles, never
-- beyond what is published, never down. audit_drop_pruned does the rest.
create function audit_prune(p_event bytea, p_log smallint, p_min_index bigint) returns void
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  shard_name text;
begin
  select shard into strict shard_name from public.audit_log where log_id = p_log;
  if p_min_index < 0 or p_min_index % 256 <> 0 or p_min_index > coalesce(
    (select max(size) from public.audit_checkpoint where log_id = p_log), 0)
  then
    raise exception 'not an index that can be pruned to' using errcode = 'invalid_parameter_value';
  end if;
  perform public.audit_require_told(p_event, 'audit.prune', jsonb_build_object(
    'shard', shard_name, 'minIndex', p_min_index));
  update public.audit_log set min_index = p_min_index where log_id = p_log and min_index < p_min_index;
end
$$;

-- Deletes up to eight segments that lie wholly below the least index, with their terms. The tiles stay, so
-- every proof stays possible. Gives the number deleted: call it again until that is 0.
create function audit_drop_pruned(p_log smallint) returns int
  language plpgsql security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  doomed bigint[];
begin
  doomed := array(
    select first_index
    from public.audit_segment natural join
      (select log_id, min_index from public.audit_log where log_id = p_log) as log
    where first_index + n <= min_index
    order by first_index limit 8);
  -- Neighbours, so a range: the index over block ranges knows no lists.
  delete from public.audit_term
  where log_id = p_log and segment between doomed[1] and doomed[cardinality(doomed)];
  perform set_config('counterfoil.audit_change', 'DELETE', true);
  delete from public.audit_segment where log_id = p_log and first_index = any (doomed);
  perform set_config('counterfoil.audit_change', '', true);
  return cardinality(doomed);
end
$$;

-- Drops the oldest partition of pending batches before p_before, when all of it is in the tree. One at a
-- time: the drop keeps writers out from here until the transaction ends, and does not even try for long.
-- Not for the service: audit_maintain calls it.
create function audit_drop_integrated(p_before date) returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set lock_timeout = '100ms'
as $$
declare
  old record;
  has_more boolean;
begin
  for old in
    select relname as name, to_date(right(relname, 8), 'YYYYMMDD') as day
    from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'public.audit_pending'::regclass and relname ~ '^audit_pending_[0-9]{8}$'
    order by relname
  loop
    exit when old.day >= p_before;
    begin
      -- No batch can come in behind the look: those who send one again wait, and find the partition gone.
      execute format('lock table public.%I in share mode', old.name);
      -- Writers have no holes, so the last batch of each tells of all; the key finds it without a scan.
      execute format($query$
        with recursive writer as (
          (select boot_id from public.%1$I where day = %2$L order by boot_id limit 1)
          union all
          select (select next.boot_id from public.%1$I as next
                  where day = %2$L and next.boot_id > writer.boot_id order by next.boot_id limit 1)
          from writer where writer.boot_id is not null)
        select exists (
          select from writer
          cross join lateral (
            select first_seq + n as next_seq from public.%1$I as batch
            where day = %2$L and batch.boot_id = writer.boot_id order by first_seq desc limit 1) as written
          left join public.audit_writer as taken on taken.boot_id = writer.boot_id
          where written.next_seq > coalesce(taken.next_seq, 0))
        $query$, old.name, old.day) into has_more;
      if not has_more then
        execute format('drop table public.%I', old.name);
        return;
      end if;
    exception
      -- Somebody is at work on it. The next maintenance tries again.
      when lock_not_available then null;
    end;
  end loop;
end
$$;

-- As before; and drops what is older than yesterday and in the tree.
create or replace function audit_maintain() returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  today constant date := (clock_timestamp() at time zone 'UTC')::date;
  wanted date;
  partition text;
begin
  -- One at a time; the lock ends with the transaction. Its number is this table's own.
  perform pg_advisory_xact_lock('public.audit_pending'::regclass::oid::bigint);
  for wanted in
    select generate_series(today - 1, today + 7, interval '1 day')::date
  loop
    partition := 'audit_pending_' || to_char(wanted, 'YYYYMMDD');
    continue when to_regclass('public.' || partition) is not null;
    -- Attaching takes a weaker lock than "create table … partition of": writers are not held up.
    execute format(
      'create table public.%I (like public.audit_pending including defaults including constraints including storage)',
      partition);
    execute format(
      'alter table public.audit_pending attach partition public.%I for values from (%L) to (%L)',
      partition, wanted, wanted + 1);
    -- Row triggers are inherited, statement triggers are not.
    execute format(
      'create trigger refuse_truncate before truncate on public.%I for each statement execute function public.audit_refuse_change()',
      partition);
  end loop;
  perform public.audit_drop_integrated(today - 1);
end
$$;

do $$
declare
  made regprocedure;
  is_callable boolean;
begin
  for made, is_callable in
    select oid, proname in ('audit_erase', 'audit_blank', 'audit_destroy_key', 'audit_forget', 'audit_prune',
      'audit_drop_pruned')
    from pg_catalog.pg_proc
    where pronamespace = 'public'::regnamespace
      and proname in ('audit_frames', 'audit_event_term', 'audit_require_told', 'audit_erase',
        'audit_drop_postings', 'audit_blank', 'audit_destroy_key', 'audit_forget', 'audit_prune',
        'audit_drop_pruned', 'audit_drop_integrated')
  loop
    execute format('revoke all on function %s from public', made);
    if is_callable then
      execute format('grant execute on function %s to counterfoil_service', made);
    end if;
  end loop;
end
$$;
