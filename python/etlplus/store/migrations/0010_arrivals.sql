-- Pipelines that run when files arrive.

-- Each content that has started a run, once for each source of a pipeline. It is written in the
-- transaction that queues the job; its key is what makes sure that there is one.
create table etlplus_control.file_arrival (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    source text collate "C" not null,
    content text collate "C" not null,
    path text collate "C" not null,
    size bigint not null,
    modified_ns bigint not null,
    time timestamptz not null default clock_timestamp(),
    job uuid not null,
    primary key (workspace, pipeline, source, content)
);
create index file_arrival_job on etlplus_control.file_arrival (job, path);
create index file_arrival_time on etlplus_control.file_arrival (workspace, pipeline, source, time);

-- When a worker last looked for files of a pipeline. It is apart from the trigger's row, so that
-- looking never makes a firing wait.
create table etlplus_control.file_watch (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    look_time timestamptz not null,
    next_look_time timestamptz not null,
    unsettled bigint not null,
    primary key (workspace, pipeline)
) with (fillfactor = 70);
