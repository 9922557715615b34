-- Holes that a backfill command had healed were healed at the end of time: the newest close on record stands for it.
update hole h set healed_at = coalesce((
  select k.open_at + m.interval_ms * interval '1 millisecond'
  from lane l join candle k on k.coin_id = l.coin_id cross join market m
  where l.id = h.lane_id order by k.open_at desc limit 1), h.open_at)
where h.healed_at = 'infinity';
