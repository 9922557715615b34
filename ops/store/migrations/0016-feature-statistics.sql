-- Nobody asks for feature rows by their numbers, and to analyse 160 of them in every row kept a core busy for seconds.
alter table feature alter column values set statistics 0;

create or replace function ensure_part(parent text, unit text, at timestamptz) returns void
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
  if parent = 'feature' then
    execute format('alter table %I alter column values set statistics 0', part);
  end if;
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, from_at, to_at);
end $$;
