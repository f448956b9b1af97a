-- Jobs that failed in a way that may pass wait for another attempt until `run_at`.

alter table etlplus_control.job add column retries integer not null default 0;
