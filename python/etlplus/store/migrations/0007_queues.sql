-- Which job is next: queues by name, priorities that grow with age, and limits of how many runs of a
-- pipeline are running, or start, at once.

alter table etlplus_control.job
    alter column priority set default 50,
    add column queue text collate "C" not null default 'default',
    -- Jobs that queue up behind each other: the queue's name, or the name of a row of `lane`.
    add column lane text collate "C" not null default 'default',
    -- Waits in the order of `turn`: when it was queued, earlier by a minute for each point of its
    -- priority. So priorities grow with age although nothing is ever rewritten.
    add column turn timestamptz,
    -- Waits for its retry time, where no claim has to pass it by.
    add column asleep boolean not null default false,
    add column concurrency_key text collate "C" not null default '',
    add column most_running integer,
    add column most_starts integer,
    add column starts_per interval,
    add column limited boolean not null default false;

-- The usual priority was 0 before.
update etlplus_control.job set
    priority = 50,
    turn = run_at - interval '50 minutes',
    asleep = state = 'PENDING' and run_at > clock_timestamp()
where state in ('PENDING', 'RUNNING');
-- What the release before inserts has the priority 0 and takes its turn by it.
alter table etlplus_control.job alter column turn set default clock_timestamp();

create index job_turn on etlplus_control.job (lane, turn, uid)
    where state = 'PENDING' and not asleep;
create index job_asleep on etlplus_control.job (run_at) where state = 'PENDING' and asleep;
create index job_ended on etlplus_control.job (end_time) where end_time is not null;
-- The release before claims by it; a later one drops it.
-- index job_queue stays.

-- One row for each set of runs that share a limit. `running` and `started` are kept by triggers, so
-- that no statement, of this release or the one before, can end a run and forget its place.
create table etlplus_control.lane (
    name text collate "C" primary key,
    concurrency_key text collate "C" not null,
    most_running integer,
    most_starts integer,
    starts_per interval,
    running uuid[] not null default '{}',
    started timestamptz[] not null default '{}',
    used_time timestamptz not null default clock_timestamp(),
    check (most_starts is null or starts_per is not null)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- How many more runs a lane lets start now.
create function etlplus_control.room(lane etlplus_control.lane) returns bigint
language sql volatile as $$
    select greatest(0, least(
        lane.most_running - cardinality(lane.running),
        lane.most_starts - (
            select count(*) from unnest(lane.started) as moment
            where moment > clock_timestamp() - lane.starts_per)
    ))
$$;

-- A limited job brings its lane along: the limits of the run that was queued last hold for all.
create function etlplus_control.job_queued() returns trigger
language plpgsql as $$
begin
    new.limited := true;
    new.lane := concat_ws('/', new.workspace, new.pipeline, new.concurrency_key);
    insert into etlplus_control.lane
        (name, concurrency_key, most_running, most_starts, starts_per)
    values
        (new.lane, new.concurrency_key, new.most_running, new.most_starts, new.starts_per)
    on conflict (name) do update set
        most_running = excluded.most_running,
        most_starts = excluded.most_starts,
        starts_per = excluded.starts_per,
        used_time = excluded.used_time;
    return new;
end $$;

create trigger job_queued before insert on etlplus_control.job
    for each row when (new.most_running is not null or new.most_starts is not null)
    execute function etlplus_control.job_queued();

create function etlplus_control.job_ran() returns trigger
language plpgsql as $$
begin
    if new.state = 'RUNNING' then
        update etlplus_control.lane set
            running = running || new.uid,
            -- As many as the limit counts; the array is cut from its start.
            started = (started || clock_timestamp())
                [cardinality(started) + 2 - coalesce(most_starts, 0):],
            used_time = clock_timestamp()
        where name = new.lane;
    else
        update etlplus_control.lane set running = array_remove(running, new.uid)
        where name = new.lane;
    end if;
    return null;
end $$;

create trigger job_ran after update of state on etlplus_control.job
    for each row when (new.limited and (old.state = 'RUNNING') <> (new.state = 'RUNNING'))
    execute function etlplus_control.job_ran();

-- Workers that have reported lately, and what they serve.
create table etlplus_control.worker (
    uid uuid primary key,
    queues text[] not null,
    until_time timestamptz not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0);

-- Events and lines are written by the statement that changes their job, under its lock, and deleted
-- with it: looking the job up again for each of them was a tenth of the time of a claim.
alter table etlplus_control.job_event drop constraint job_event_job_fkey;
alter table etlplus_control.job_log drop constraint job_log_job_fkey;
