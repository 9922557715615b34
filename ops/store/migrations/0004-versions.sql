-- Versions on their way: what the registry wants, swaps with every transition, and the bytes of artifacts.

alter table version drop constraint version_state_check;
alter table version add constraint version_state_check check (state in (
  'announced', 'fetched', 'verified', 'loaded', 'warmed', 'judged', 'backfilled', 'shadowing', 'serving', 'draining',
  'archived', 'rejected', 'quarantined'));
alter table version
  add column verdict jsonb,
  add column training_run bigint,
  -- Candles before it have been predicted as history.
  add column backfilled_to timestamptz,
  add column archived_at timestamptz,
  -- Its artifact is gone: it can be read about, and never serve again.
  add column removed_at timestamptz;

-- A version was published into it although the configuration does not name its family: it is followed with its coin.
alter table lane add column is_guest boolean not null default false;

-- The registry's own files: in parts, so that none is larger than a row should be.
create table artifact_file (
  sha256 text not null,
  name text not null,
  part int not null,
  bytes bytea not null,
  primary key (sha256, name, part)
);

-- Which version the registry names for a lane, and how often it has changed its mind.
create table alias (
  lane_id int primary key references lane,
  version_id int not null references version,
  revision int not null check (revision > 0),
  changed_at timestamptz not null default clock_timestamp()
);

-- Every wish that a lane be changed, in order, and what became of it.
create table swap (
  id int generated always as identity primary key,
  lane_id int not null references lane,
  generation int not null check (generation > 0),
  -- The registry's changes of mind up to this one are dealt with.
  alias_revision int not null,
  kind text not null check (kind in ('swap', 'rollback', 'fallback')),
  asked_by text not null check (asked_by in ('registry', 'operator', 'fleet')),
  from_id int references version,
  to_id int not null references version,
  state text not null check (state in ('waiting', 'running', 'done', 'rejected', 'overtaken')),
  reason text,
  started_at timestamptz not null default clock_timestamp(),
  -- Opening of the first candle that had not closed when it began.
  candle_at timestamptz,
  cut_at timestamptz,
  ended_at timestamptz,
  verdict jsonb,
  -- The verdict once the candles in the shadow are counted too.
  renewed jsonb,
  -- What v1, v2 and v3 held before the cut: one step of the undo stack, until it is undone.
  before_cut int[],
  undone_by int references swap,
  missed int,
  twice int,
  longest_wait_ms real,
  unique (lane_id, generation)
);
create unique index swap_wish on swap (lane_id, alias_revision) where asked_by = 'registry';
create unique index swap_before_cut on swap (lane_id) where state = 'running' and cut_at is null;
create index swap_open on swap (lane_id) where state in ('waiting', 'running');

create table transition (
  id bigint generated always as identity primary key,
  -- Null where it belongs to no swap: announced, quarantined, back.
  swap_id int references swap,
  version_id int not null references version,
  stage text not null,
  at timestamptz not null default clock_timestamp(),
  -- Opening of the first candle that had not closed.
  candle_at timestamptz,
  reason text
);
create unique index transition_once on transition (swap_id, version_id, stage) where swap_id is not null;
create index on transition (version_id, id);
