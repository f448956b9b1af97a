-- Pipelines that run after others.

-- The zone by whose clocks the job's instant is told; null for that of its own schedule.
alter table etlplus_control.job add column zone text;

-- One row for each pipeline whose newest version has triggers. It is written in the transaction that
-- stores the version.
create table etlplus_control.pipeline_trigger (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    version integer not null,
    definition jsonb not null,
    upstreams text[] collate "C" not null,
    paused boolean not null default false,
    last_time timestamptz,
    last_job uuid,
    error jsonb,
    primary key (workspace, pipeline),
    foreign key (workspace, pipeline, version) references etlplus_control.pipeline_version
) with (fillfactor = 70);
create index trigger_upstreams on etlplus_control.pipeline_trigger using gin (upstreams);

-- Each success that another pipeline waits for. It is written by the statement that settles the job,
-- and names the job that it started as soon as there is one: what makes sure that it starts one.
create table etlplus_control.trigger_event (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    upstream text collate "C" not null,
    upstream_job uuid not null,
    time timestamptz not null,
    instant timestamptz not null,
    zone text not null,
    job uuid,
    primary key (workspace, pipeline, upstream_job)
);
create index trigger_waiting on etlplus_control.trigger_event (workspace, pipeline, upstream)
    where job is null;
create index trigger_above on etlplus_control.trigger_event (job) where job is not null;
create index trigger_below on etlplus_control.trigger_event (upstream_job);
