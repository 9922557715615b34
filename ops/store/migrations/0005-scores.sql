-- Of a day's profits added up in the order of the candles, from 0 on: the highest, the lowest, and the greatest fall from a
-- high to a low after it. With them the drawdown of any period follows from its days.
alter table score_day
  add profit_high double precision not null default 0,
  add profit_low double precision not null default 0,
  add profit_fall double precision not null default 0;

-- What could have been answered, and what was: candles with trades from the version's first prediction on, without those
-- it was trained on. Whole days, made with the sums of the same days.
create table coverage_day (
  version_id int not null references version,
  day timestamptz not null,
  candles int not null,
  answered int not null,
  primary key (version_id, day)
);

-- Everything is summed again, so that days from before have what is new as well.
delete from score_day;
update version set unresolved_from = '-infinity';
