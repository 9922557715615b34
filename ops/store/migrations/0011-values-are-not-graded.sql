-- Rows with a value and no probabilities were counted in the last bin of the calibration, and scored as if they had them.
delete from score_day s using version v where v.id = s.version_id and v.task = 'regress';
update version set unresolved_from = '-infinity' where task = 'regress';
