-- How far pipelines have come with sources that they read part by part, and the parts that jobs read.

create table etlplus_control.position (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    source text collate "C" not null,
    value jsonb,
    epoch bigint not null default 0,
    number bigint not null default 0,
    held_by uuid,
    update_time timestamptz not null default clock_timestamp(),
    primary key (workspace, pipeline, source)
);

-- `before` and `after` are positions, `base` is the epoch of the one that the window went out from.
-- `begun`: its load may have been published in part.
create table etlplus_control.job_window (
    job uuid not null references etlplus_control.job on delete cascade,
    source text collate "C" not null,
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    number bigint not null default nextval('etlplus_control.epoch'),
    load uuid not null,
    value jsonb not null,
    before jsonb,
    after jsonb,
    base bigint not null,
    begun boolean not null default false,
    state text collate "C" not null default 'OPEN'
        check (state in ('OPEN', 'DONE', 'UNDONE', 'LEFT')),
    primary key (job, source)
);
create index job_window_of_pipeline
    on etlplus_control.job_window (workspace, pipeline, source, number);
create index job_window_of_load on etlplus_control.job_window (load);

alter table etlplus_control.file_load add column windows jsonb not null default '{}';
