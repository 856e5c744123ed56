import { TOKEN_IS_LIVE, TOKEN_IS_OPENABLE } from './token-rows.ts';

// $1 vault, $2 fields, $3 limit, $4 from, $5 to, $6 and $7 the position after which to begin.
// Rows that stand for imported tokens have a target, and are never shown.
const MATCHES = `
t.vault_id = $1 and t.target_token is null
  and t.created_at >= coalesce($4::timestamptz, '-infinity')
  and t.created_at < coalesce($5::timestamptz, 'infinity')
  and (t.created_at, t.token collate "C") < (coalesce($6::timestamptz, 'infinity'), $7::text)
  and ${TOKEN_IS_LIVE} and ${TOKEN_IS_OPENABLE}`;

// A row has no more of them than all. But of `=` the planner would think that hardly any row passes it, and
// sort a whole field where the newest few rows will do.
const hasAll = (tags: string) => `
cardinality(${tags}::bytea[]) <= (
  select count(*) from token_tag o
  where o.shard = t.shard and o.vault_id = t.vault_id and o.token = t.token and o.tag = any (${tags}))`;

// Each field by itself, because an index gives the order within one field only.
const byTime = (filter: string) => `
select found.*
from unnest($2::smallint[]) as wanted (field_id)
cross join lateral (
  select t.token, t.field_id, t.created_at, t.expires_at
  from token t
  left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id
  where t.field_id = wanted.field_id and ${MATCHES} ${filter}
  order by t.created_at desc, t.token collate "C" desc
  limit $3
) found
order by found.created_at desc, found.token collate "C" desc
limit $3`;

/** The newest tokens: reads little more of each field than a page. */
export const BY_TIME = byTime('');

/** The newest tokens with all tags of `$8`, for tags that many have: the page comes soon. */
export const BY_TIME_WITH_TAGS = byTime(`and ${hasAll('$8')}`);

/** All tokens with the tag `$8`, and with the other tags of `$9`, in order: for a tag that few have. */
export const BY_TAG = `
select t.token, t.field_id, t.created_at, t.expires_at
from token_tag g
join token t on t.shard = g.shard and t.vault_id = g.vault_id and t.token = g.token
left join subject s on s.vault_id = t.vault_id and s.id = t.subject_id
where g.vault_id = $1 and g.tag = $8 and t.field_id = any ($2::smallint[]) and ${MATCHES}
  and ${hasAll('$9')}
order by t.created_at desc, t.token collate "C" desc
limit $3`;

/** The rarest of the tags `$2`, and how many have it: counted as far as `$3`. */
export const RAREST_TAG = `
select wanted.tag, (
    select count(*) from (
      select from token_tag g where g.vault_id = $1 and g.tag = wanted.tag limit $3
    ) as counted
  )::int as tokens
from unnest($2::bytea[]) as wanted (tag)
order by tokens
limit 1`;

// Dead rows of small formats still hold their strings, and will leave a tombstone.
/** Used strings of the vault `$1`, by field. */
export const USAGE = `
with counted as (
  select t.field_id, t.space, count(*) as tokens
  from token t
  where t.vault_id = $1 and t.target_token is null and (t.space is not null or ${TOKEN_IS_LIVE})
  group by t.field_id, t.space
  union all
  select field_id, space, count(*) from tombstone where vault_id = $1 group by field_id, space
), spaces as (
  select field_id, space, sum(tokens) as tokens from counted group by field_id, space
)
select field_id, sum(tokens)::float8 as used, count(space)::int as spaces,
  coalesce(max(tokens) filter (where space is not null), 0)::float8 as fullest
from spaces
group by field_id
order by field_id`;
