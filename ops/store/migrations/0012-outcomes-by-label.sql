-- Outcomes come from the same function as training's labels, and no longer from rules of their own.
drop function label_of(version, int, timestamptz, double precision, double precision);
drop function first_touched(int, timestamptz, timestamptz, double precision, double precision);
drop function revision_of(version, int, timestamptz);
drop function volatility(int, timestamptz, timestamptz);
