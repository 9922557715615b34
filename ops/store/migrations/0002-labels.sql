-- Labels by what the market did just before, and by which threshold it touches first. The same rules as in
-- models/label.ts, which training uses; a test holds the two against each other.

alter table version drop constraint version_label_kind_check;
alter table version add constraint version_label_kind_check
  check (label_kind in ('threshold', 'scaled_threshold', 'triple_barrier', 'return', 'volatility'));
alter table version
  -- The time just before whose movement is the measure; null where thresholds are fixed.
  add column label_lookback_ms bigint check (label_lookback_ms > 0),
  add column label_timeout text check (label_timeout in ('hold', 'sign'));

-- The first candle after from_at up to to_at that reaches a ceiling or a floor: 2 the ceiling, 0 the floor, 1 both, and -1
-- where a missing candle comes before any that does. Null where none does.
create function first_touched(
  of_coin int, from_at timestamptz, to_at timestamptz, ceiling double precision, floor double precision
) returns int
language sql stable parallel safe as $$
  select case when state = 'missing' then -1 when high >= ceiling and low <= floor then 1 when high >= ceiling then 2 else 0 end
  from candle
  where coin_id = of_coin and open_at > from_at and open_at <= to_at
    and (state = 'missing' or state <> 'empty' and (high >= ceiling or low <= floor))
  order by open_at limit 1
$$;

-- What a version that learnt this label should have said; null where that is not known.
create function label_of(
  v version, of_coin int, at timestamptz, close double precision, change double precision
) returns signal
language plpgsql stable parallel safe as $$
declare
  horizon interval := v.horizon_ms * interval '1 millisecond';
  lookback interval := v.label_lookback_ms * interval '1 millisecond';
  deviation double precision := 1;
  touched int;
begin
  if v.label_up is null then return null; end if;
  if lookback is not null then
    deviation := volatility(of_coin, at - lookback, at) * sqrt(v.horizon_ms::float8 / v.label_lookback_ms);
    if deviation is null then return null; end if;
  end if;
  if v.label_kind = 'triple_barrier' then
    touched := first_touched(of_coin, at, at + horizon, close * (1 + v.label_up * deviation), close * (1 + v.label_down * deviation));
    return case
      when touched = -1 then null
      when touched = 2 then 'buy'
      when touched = 0 then 'sell'
      when touched = 1 or v.label_timeout = 'hold' or change = 0 then 'hold'
      when change > 0 then 'buy'
      else 'sell'
    end;
  end if;
  return case when change >= v.label_up * deviation then 'buy' when change <= v.label_down * deviation then 'sell' else 'hold' end;
end $$;
