-- What of the past a version has been shown: history that begins earlier, or whose gaps have healed since, has come later.
alter table version
  add column backfilled_from timestamptz,
  -- In market time, as gaps heal.
  add column backfilled_at timestamptz;
