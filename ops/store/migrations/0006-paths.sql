-- Outcomes that look at a path of candles, and not at its two ends alone: a candle that was never stored is as unknown as
-- one that is missing, and a correction anywhere on the path is a correction of the outcome.

-- Root of the summed squares of the log returns from candle to candle, after the close of the candle that opened at
-- from_at up to the close of the one that opened at to_at; null where anything between is missing or not there.
create or replace function volatility(of_coin int, from_at timestamptz, to_at timestamptz) returns double precision
language sql stable parallel safe as $$
  select case
      when bool_or(state = 'missing')
        or count(*) <> extract(epoch from to_at - from_at) * 1000 / (select interval_ms from market) + 1 then null
      else sqrt(coalesce(sum(change * change) filter (where open_at > from_at), 0))
    end
  from (
    select open_at, state,
      case when state <> 'empty' then ln(close / coalesce(
        lag(close) over (partition by state = 'empty' order by open_at), last_close(of_coin, open_at))) end as change
    from candle where coin_id = of_coin and open_at between from_at and to_at) c
$$;

-- The first candle after from_at up to to_at that reaches a ceiling or a floor: 2 the ceiling, 0 the floor, 1 both, and -1
-- where one that is missing or not there comes before any that does. Null where none does.
create or replace function first_touched(
  of_coin int, from_at timestamptz, to_at timestamptz, ceiling double precision, floor double precision
) returns int
language sql stable parallel safe as $$
  select case when state = 'missing' or place <> steps then -1
    when high >= ceiling and low <= floor then 1 when high >= ceiling then 2 else 0 end
  from (
    select state, high, low, row_number() over (order by open_at) as place,
      extract(epoch from open_at - from_at) * 1000 / (select interval_ms from market) as steps
    from candle where coin_id = of_coin and open_at > from_at and open_at <= to_at) c
  where state = 'missing' or place <> steps or state <> 'empty' and (high >= ceiling or low <= floor)
  order by place limit 1
$$;

-- Of every candle that the outcome of a version's prediction stands on, added up: a correction of any raises it.
create function revision_of(v version, of_coin int, at timestamptz) returns int
language sql stable parallel safe as $$
  select coalesce(sum(revision), 0)::int from candle
  where coin_id = of_coin and open_at between
    at - coalesce(v.label_lookback_ms, case v.label_kind when 'volatility' then v.horizon_ms else 0 end) * interval '1 millisecond'
    and at + v.horizon_ms * interval '1 millisecond'
$$;
