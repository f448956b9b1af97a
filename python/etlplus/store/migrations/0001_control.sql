-- The service's own state: what is defined, what is to be run, what was run.

create table etlplus_control.pipeline (
    workspace text collate "C" not null,
    name text collate "C" not null,
    version integer not null check (version >= 1),
    revision bigint not null default 1,
    create_time timestamptz not null default clock_timestamp(),
    update_time timestamptz not null default clock_timestamp(),
    delete_time timestamptz,
    primary key (workspace, name)
);

-- Versions outlive their pipeline, so that a job can always be explained; numbers are never reused.
create table etlplus_control.pipeline_version (
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    version integer not null check (version >= 1),
    spec bytea not null,
    source_text text not null,
    author text not null,
    message text not null,
    content_hash text not null,
    create_time timestamptz not null default clock_timestamp(),
    primary key (workspace, pipeline, version)
);

create table etlplus_control.connection (
    workspace text collate "C" not null,
    name text collate "C" not null,
    kind text not null,
    options jsonb not null,
    password text not null,
    revision bigint not null default 1,
    create_time timestamptz not null default clock_timestamp(),
    update_time timestamptz not null default clock_timestamp(),
    primary key (workspace, name)
);

-- One sequence for all claims: an epoch tells which of any two claims is the later.
create sequence etlplus_control.epoch as bigint;

create table etlplus_control.job (
    uid uuid primary key,
    workspace text collate "C" not null,
    pipeline text collate "C" not null,
    version integer not null,
    params jsonb not null,
    author text collate "C" not null,
    priority integer not null,
    state text collate "C" not null default 'PENDING'
        check (state in ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    run_at timestamptz not null default clock_timestamp(),
    attempt integer not null default 0,
    lost_leases integer not null default 0,
    epoch bigint not null default 0,
    worker uuid,
    lease_until timestamptz,
    cancel_requested boolean not null default false,
    create_time timestamptz not null default clock_timestamp(),
    start_time timestamptz,
    end_time timestamptz,
    progress jsonb not null default '{}',
    sinks jsonb not null default '[]',
    rejects jsonb not null default '{}',
    error jsonb,
    sequence bigint not null default 1,
    log_sequence bigint not null default 0,
    foreign key (workspace, pipeline, version) references etlplus_control.pipeline_version,
    check ((state = 'RUNNING') = (lease_until is not null and worker is not null)),
    check ((state in ('SUCCEEDED', 'FAILED', 'CANCELLED')) = (end_time is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- No index holds a column that heartbeats or progress change, so that these updates stay in their page.
create index job_queue on etlplus_control.job (priority desc, run_at, uid) where state = 'PENDING';
create index job_running on etlplus_control.job (uid) where state = 'RUNNING';
create index job_list on etlplus_control.job (workspace, create_time desc, uid desc);
create index job_of_pipeline
    on etlplus_control.job (workspace, pipeline, create_time desc, uid desc);

create table etlplus_control.job_event (
    job uuid not null references etlplus_control.job on delete cascade,
    sequence bigint not null,
    time timestamptz not null default clock_timestamp(),
    kind text not null,
    state text not null,
    attempt integer not null,
    progress jsonb not null,
    error jsonb,
    primary key (job, sequence)
);

create table etlplus_control.job_log (
    job uuid not null references etlplus_control.job on delete cascade,
    sequence bigint not null,
    time timestamptz not null,
    level text not null,
    message text not null,
    node text not null,
    primary key (job, sequence)
);

create table etlplus_control.token (
    id text collate "C" primary key,
    kind text not null,
    principal text not null,
    workspace text collate "C" not null,
    secret_hash bytea not null check (length(secret_hash) = 32),
    create_time timestamptz not null default clock_timestamp(),
    expire_time timestamptz,
    revoke_time timestamptz
);

-- Secrets of the service itself, as for signing page tokens; made at first use.
create table etlplus_control.key (
    name text collate "C" primary key,
    value bytea not null check (length(value) = 32),
    create_time timestamptz not null default clock_timestamp()
);

-- Requests that carried an id, and how they were answered, so that a repeat gets the same answer.
create table etlplus_control.request (
    workspace text collate "C" not null,
    method text collate "C" not null,
    id text collate "C" not null,
    body_hash bytea not null,
    answer bytea,
    create_time timestamptz not null default clock_timestamp(),
    primary key (workspace, method, id)
);
create index request_age on etlplus_control.request (create_time);

-- The ledger of loads into files; loads into databases have theirs in the target.
create table etlplus_control.file_load (
    load_id text collate "C" not null,
    sink text collate "C" not null,
    job uuid not null,
    epoch bigint not null,
    kind text not null,
    target text not null,
    mode text not null,
    read bigint not null,
    loaded bigint not null,
    rejected bigint not null,
    filtered bigint not null,
    merged_away bigint not null,
    expanded bigint not null,
    checksum text not null,
    files jsonb not null,
    create_time timestamptz not null default clock_timestamp(),
    primary key (load_id, sink),
    check (read + expanded = loaded + rejected + filtered + merged_away)
);
