-- Which contents of files pipelines have loaded, for sources that read only new ones. The statement that
-- settles a job writes them, with the number of its window; a rollback and a reset take them away.

create table etlplus_control.loaded_file (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    source text collate "C" not null,
    content text collate "C" not null,
    path text collate "C" not null,
    size bigint not null,
    modified_ns bigint not null,
    number bigint not null,
    time timestamptz not null default clock_timestamp(),
    primary key (workspace, pipeline, source, content)
);
create index loaded_file_number
    on etlplus_control.loaded_file (workspace, pipeline, source, number);
