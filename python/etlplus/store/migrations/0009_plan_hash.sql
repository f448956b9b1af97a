-- The plan that a run is pinned to; empty for any.

alter table etlplus_control.job add column plan_hash text collate "C" not null default '';
