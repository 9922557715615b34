-- A run remembers whether it is to begin with the weights of the version that serves.
alter table training_run add column warm_start boolean not null default false;
