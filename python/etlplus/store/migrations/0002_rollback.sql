-- What a rollback of files needs to know, and what was rolled back of a job.

alter table etlplus_control.file_load
    add column undo jsonb not null default '{}',
    add column rolled_back_time timestamptz,
    add column rolled_back_author text not null default '',
    add column rolled_back_for text not null default '',
    add column rollback_reason text not null default '';

create index file_load_of_target on etlplus_control.file_load (target, create_time);
create index file_load_rolled_back on etlplus_control.file_load (rolled_back_for)
    where rolled_back_for <> '';

alter table etlplus_control.job add column rollbacks jsonb not null default '[]';
