-- What a version said before it is gone by its age: nobody audits it, and nobody answers it again.
alter table version add column kept_from timestamptz not null default '-infinity';
