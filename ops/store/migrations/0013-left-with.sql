-- What v1, v2 and v3 held when the lane was last closed, until it is opened again.
alter table lane add column left_with int[];
