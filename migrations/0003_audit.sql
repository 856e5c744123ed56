-- The durable end of the audit log: what a service writes before it answers.

-- One row per flush of one writer. Its primary key is the writer's promise that its numbers have no
-- hole, and how a writer finds its own batch again after a lost connection. A day is a partition, so
-- that old days go by DROP and not by DELETE.
create table audit_pending (
  day date not null,
  boot_id bytea not null check (octet_length(boot_id) = 16),
  first_seq bigint not null check (first_seq >= 0),
  log_id smallint not null,
  n smallint not null check (n between 1 and 512),
  leaves bytea not null,       -- n × (u16be length ‖ leaf): entry bundle encoding, C2SP tlog-tiles
  sealed_who bytea not null,   -- n × (u32be vault id ‖ u32be length ‖ sealed disclosure)
  sealed_what bytea not null,  -- the same
  mac bytea not null check (octet_length(mac) = 32),
  -- When the database took it. Outside the MAC: a hint for age and order of display, no evidence.
  written_at timestamptz not null default clock_timestamp(),
  primary key (day, boot_id, first_seq)
) partition by range (day);
-- Disclosures are ciphertext, and leaves are mostly digests.
alter table audit_pending
  alter column leaves set storage external,
  alter column sealed_who set storage external,
  alter column sealed_what set storage external;
grant select, insert on audit_pending to counterfoil_service;

-- Nobody changes the log by an ordinary statement, its owner included.
create function audit_refuse_change() returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op
    using errcode = 'insufficient_privilege';
end
$$;
create trigger refuse_change before update or delete on audit_pending
  for each row execute function audit_refuse_change();
create trigger refuse_truncate before truncate on audit_pending
  for each statement execute function audit_refuse_change();

-- Makes the partitions of yesterday to seven days ahead (UTC). The service may call it, and gets
-- nothing else of the owner's rights by it.
create function audit_maintain() returns void
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
end
$$;
revoke all on function audit_maintain() from public;
grant execute on function audit_maintain() to counterfoil_service;

select audit_maintain();
