-- Training runs, their steps with every try, and the settings that a search has tried.

create table training_run (
  id int generated always as identity primary key,
  lane_id int not null references lane,
  cause text not null check (cause in ('hand', 'schedule', 'first', 'drift')),
  state text not null default 'queued'
    check (state in ('queued', 'running', 'passed', 'refused', 'failed', 'cancelled')),
  rows_max int check (rows_max > 0),
  trials int not null check (trials > 0),
  seed int not null,
  time_limit_ms bigint not null check (time_limit_ms > 0),
  -- The market's time when it was asked for; everything else here is the wall's.
  market_at timestamptz not null,
  asked_at timestamptz not null default clock_timestamp(),
  started_at timestamptz,
  ended_at timestamptz,
  -- Not to be worked on before: its last try has failed.
  due_at timestamptz not null default clock_timestamp(),
  cancel_asked boolean not null default false,
  -- Who works on it: a greater epoch of the same holder is its next life. Nobody, once the lease has run out.
  holder text,
  epoch bigint,
  lease_until timestamptz,
  -- The trainer's last sign of life, as its holder has it.
  alive_at timestamptz,
  progress jsonb,
  log text not null default '',
  code text,
  message text,
  verdict jsonb,
  metrics jsonb,
  baseline jsonb,
  -- The number in its lane that it was registered under.
  version int,
  check ((ended_at is null) = (state in ('queued', 'running')))
);
-- A lane is trained by one run at a time.
create unique index training_run_open on training_run (lane_id) where state in ('queued', 'running');
create index on training_run (lane_id, id);

create table training_step (
  run_id int not null references training_run on delete cascade,
  step text not null
    check (step in ('dataset', 'fit', 'export', 'verify', 'evaluate', 'judge', 'publish')),
  attempt int not null check (attempt > 0),
  state text not null default 'running' check (state in ('running', 'done', 'failed', 'stopped')),
  started_at timestamptz not null default clock_timestamp(),
  ended_at timestamptz,
  input_hash text,
  product text,
  detail text,
  code text,
  is_retryable boolean not null default false,
  primary key (run_id, step, attempt)
);

create table training_trial (
  run_id int not null references training_run on delete cascade,
  number int not null,
  settings jsonb not null,
  loss double precision,
  state text not null check (state in ('complete', 'pruned', 'failed')),
  primary key (run_id, number)
);
