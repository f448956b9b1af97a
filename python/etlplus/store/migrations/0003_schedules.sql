-- Pipelines that run by themselves.

alter table etlplus_control.job add column scheduled_time timestamptz;

-- One row for each pipeline whose newest version has a schedule. It is written in the transaction
-- that stores the version. `timing` tells whether a later version plans the same instants.
create table etlplus_control.schedule (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    version integer not null,
    definition jsonb not null,
    timing jsonb not null,
    anchor timestamptz not null,
    next_time timestamptz,
    paused boolean not null default false,
    last_time timestamptz,
    last_job uuid,
    error jsonb,
    primary key (workspace, pipeline),
    foreign key (workspace, pipeline, version) references etlplus_control.pipeline_version
) with (fillfactor = 70);
create index schedule_due on etlplus_control.schedule (next_time, workspace, pipeline)
    where next_time is not null and not paused;

-- Each planned instant that was fired, with its job: what makes sure that it is fired once.
create table etlplus_control.schedule_fire (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    time timestamptz not null,
    job uuid not null,
    primary key (workspace, pipeline, time)
);
