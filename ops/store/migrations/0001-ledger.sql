-- The ledger. Instants are timestamptz; parts of the great tables are made by ensure_part() and dropped by retention.

create type candle_state as enum ('final', 'corrected', 'empty', 'missing');
create type mode as enum ('live', 'backfill', 'shadow', 'in_sample');
create type signal as enum ('sell', 'hold', 'buy');
create type slot as enum ('v1', 'v2', 'v3');

-- Milliseconds since the epoch, as the program counts; exact, because a double holds whole microseconds until 2255.
create function instant(ms double precision) returns timestamptz
  language sql immutable strict parallel safe return to_timestamp(ms / 1000);

-- What this database holds: one market, in candles of one interval.
create table market (
  is_alone boolean primary key default true check (is_alone),
  name text not null,
  interval_ms bigint not null check (interval_ms > 0),
  created_at timestamptz not null default clock_timestamp()
);

create table coin (
  id int generated always as identity primary key,
  symbol text not null unique,
  added_at timestamptz not null default clock_timestamp()
);

create table lane (
  id int generated always as identity primary key,
  coin_id int not null references coin,
  family text not null,
  unique (coin_id, family)
);

create table feature_set (
  id int generated always as identity primary key,
  hash text not null unique,
  names text[]
);

create table candle (
  open_at timestamptz not null,
  open double precision,
  high double precision,
  low double precision,
  close double precision,
  volume double precision not null,
  quote_volume double precision,
  taker_buy_volume double precision,
  trades double precision,
  coin_id int not null references coin,
  revision int not null,
  state candle_state not null,
  primary key (coin_id, open_at)
) partition by range (open_at);

-- The close of the last candle with trades before this one; null where what lies between is missing. A day without a
-- trade is as far back as a price is carried.
create function last_close(of_coin int, before_at timestamptz) returns double precision
language sql stable parallel safe as $$
  select case state when 'missing' then null else close end from candle
  where coin_id = of_coin and open_at < before_at and open_at >= before_at - interval '1 day' and state <> 'empty'
  order by open_at desc limit 1
$$;

-- Root of the summed squares of the log returns from candle to candle, after the close of the candle that opened at
-- from_at up to the close of the one that opened at to_at; null where anything between is missing or not there.
create function volatility(of_coin int, from_at timestamptz, to_at timestamptz) returns double precision
language sql stable parallel safe as $$
  select case
      when bool_or(state = 'missing') or min(open_at) > from_at or max(open_at) < to_at then null
      else sqrt(coalesce(sum(change * change) filter (where open_at > from_at), 0))
    end
  from (
    select open_at, state,
      case when state <> 'empty' then ln(close / coalesce(
        lag(close) over (partition by state = 'empty' order by open_at), last_close(of_coin, open_at))) end as change
    from candle where coin_id = of_coin and open_at between from_at and to_at) c
$$;

-- Append only, in the order in which they became known; deduplicated before they come here.
create table trade (
  at timestamptz not null,
  id double precision not null,
  price double precision not null,
  size double precision not null,
  coin_id int not null,
  side smallint not null
) partition by range (at);
create index on trade using brin (at) with (pages_per_range = 16, autosummarize = on);

create table feature (
  open_at timestamptz not null,
  coin_id int not null references coin,
  set_id int not null references feature_set,
  whole int not null,
  state candle_state not null,
  after_gap boolean not null,
  values double precision[] not null,
  primary key (coin_id, open_at, set_id)
) partition by range (open_at);

create table engine_snapshot (
  coin_id int not null references coin,
  set_id int not null references feature_set,
  at timestamptz not null,
  state bytea not null,
  -- The engine began here: what runs up to it from before goes on with this state in the place of its own.
  is_origin boolean not null default false,
  primary key (coin_id, set_id, at)
);

create table gap (
  coin_id int not null references coin,
  from_at timestamptz not null,
  to_at timestamptz not null,
  cause text not null,
  healed_at timestamptz,
  primary key (coin_id, from_at, to_at),
  check (to_at > from_at)
);

create table version (
  id int generated always as identity primary key,
  lane_id int not null references lane,
  number int not null check (number > 0),
  sha256 text not null,
  manifest jsonb not null,
  metrics jsonb,
  horizon_ms bigint not null check (horizon_ms > 0),
  task text not null check (task in ('classify', 'regress')),
  label_kind text not null check (label_kind in ('threshold', 'return', 'volatility')),
  label_up double precision,
  label_down double precision,
  artifact text not null,
  state text not null default 'announced'
    check (state in ('announced', 'shadowing', 'serving', 'archived', 'rejected', 'quarantined')),
  registered_at timestamptz not null default clock_timestamp(),
  -- Predictions before it have their outcomes, or had no way to get one when it was passed.
  unresolved_from timestamptz not null default '-infinity',
  unique (lane_id, number),
  unique (lane_id, sha256)
);

-- Which version holds a slot, from one candle's opening until another's.
create table pointer (
  id int generated always as identity primary key,
  lane_id int not null references lane,
  version_id int not null references version,
  slot slot not null,
  from_at timestamptz not null,
  until_at timestamptz,
  check (until_at > from_at),
  unique (lane_id, slot, from_at)
);
create unique index pointer_open on pointer (lane_id, slot) where until_at is null;
create index pointer_version on pointer (version_id);

create table prediction (
  open_at timestamptz not null,
  made_at timestamptz not null,
  epoch bigint not null,
  sell double precision,
  hold double precision,
  buy double precision,
  value double precision,
  version_id int not null,
  set_id int not null,
  wait_ms real not null,
  infer_ms real not null,
  mode mode not null,
  signal signal,
  input_hash bytea not null,
  trace_id bytea not null,
  flags text[],
  primary key (version_id, open_at)
) partition by range (open_at);

-- Ever written; retention takes nothing off it.
create table prediction_total (
  is_alone boolean primary key default true check (is_alone),
  written bigint not null default 0,
  first_at timestamptz
);
insert into prediction_total default values;

create table hole (
  open_at timestamptz not null,
  healed_at timestamptz,
  lane_id int not null,
  slot slot not null,
  reason text not null,
  primary key (lane_id, slot, open_at)
) partition by range (open_at);
create index on hole (open_at) where healed_at is null;

create table outcome (
  open_at timestamptz not null,
  resolved_at timestamptz not null,
  return double precision not null,
  -- What the version was asked for: the return, or how much the price moved.
  actual double precision not null,
  -- What no skill would have said: no return, or as much movement as just before.
  naive double precision not null,
  profit double precision,
  version_id int not null,
  -- Of the candles it stands on, added up: a correction of either raises it.
  revision int not null,
  label signal,
  correct boolean,
  primary key (version_id, open_at)
) partition by range (open_at);

-- Sums by UTC day, made again from the rows of a day in the transaction that resolves any of them.
create table score_day (
  version_id int not null references version,
  day timestamptz not null,
  mode mode not null,
  n int not null,
  confusion int[] not null,
  log_loss_sum double precision not null,
  brier_sum double precision not null,
  bin_n int[] not null,
  bin_confidence double precision[] not null,
  bin_right int[] not null,
  profit_sum double precision not null,
  profit_square_sum double precision not null,
  squared_error_sum double precision not null,
  absolute_error_sum double precision not null,
  actual_sum double precision not null,
  actual_square_sum double precision not null,
  value_sum double precision not null,
  value_square_sum double precision not null,
  value_actual_sum double precision not null,
  naive_squared_error_sum double precision not null,
  naive_absolute_error_sum double precision not null,
  primary key (version_id, day, mode)
);

-- Rows that were there, made from equal inputs, with another answer.
create table disagreement (
  version_id int not null,
  open_at timestamptz not null,
  seen_at timestamptz not null default clock_timestamp(),
  answer jsonb not null,
  primary key (version_id, open_at)
);

create table stream_position (
  coin_id int primary key references coin,
  at timestamptz not null
);

create table incarnation (
  epoch bigint primary key,
  path text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  reason text
);
create index on incarnation (path, epoch);

create table dead_letter (
  id bigint generated always as identity primary key,
  at timestamptz not null,
  path text not null,
  reason text not null,
  message jsonb
);
create index on dead_letter (at);

create table lease (
  name text primary key,
  term bigint not null,
  holder text not null,
  expires_at timestamptz not null
);

create table operator_action (
  id bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  action text not null,
  target text not null,
  reason text not null
);

-- Makes the part of a table that holds an instant: 'month' or 'day'. Made aside and attached, so that nobody who reads
-- or writes the other parts waits. What exists is read from the catalogue and not asked by to_regclass(), which may
-- answer from before the lock was waited for.
create function ensure_part(parent text, unit text, at timestamptz) returns void
language plpgsql as $$
declare
  from_at timestamptz := date_trunc(unit, at, 'UTC');
  to_at timestamptz := (from_at at time zone 'UTC' + ('1 ' || unit)::interval) at time zone 'UTC';
  part text := parent || to_char(from_at at time zone 'UTC', case unit when 'day' then '_YYYYMMDD' else '_YYYYMM' end);
begin
  perform pg_advisory_xact_lock(1937006962, hashtext(parent));
  if exists (
    select from pg_class where relname = part and relnamespace = current_schema()::regnamespace) then return; end if;
  execute format('create table %I (like %I including all)', part, parent);
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, from_at, to_at);
end $$;
