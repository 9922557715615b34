-- The source no longer has what is missing, and will not have it again: the gap stays, and nobody tries any more.
alter table gap add column unhealable_at timestamptz;
alter table gap add check (healed_at is null or unhealable_at is null);
