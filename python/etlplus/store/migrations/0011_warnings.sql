-- What was unusual in a job's last attempt and did not end it: an array of errors, as in `error`.

alter table etlplus_control.job add column warnings jsonb not null default '[]';
