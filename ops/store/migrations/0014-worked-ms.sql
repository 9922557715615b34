-- What a try has worked, as whoever worked on it counted: the clock's difference also has the sleep of the machine in it.
alter table training_step add column worked_ms bigint not null default 0;
update training_step set worked_ms = greatest(0, extract(epoch from ended_at - started_at) * 1000)
where ended_at is not null;
