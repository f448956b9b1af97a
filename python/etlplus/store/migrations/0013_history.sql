-- Jobs that ended a while ago, with their events and logs, by the day (UTC) of their end: what claims
-- read holds little more than what waits and runs, and a day is forgotten by dropping its tables.

create table etlplus_control.job_history (like etlplus_control.job)
    partition by range (end_time);
create index job_history_uid on etlplus_control.job_history (uid);
create index job_history_list
    on etlplus_control.job_history (workspace, create_time desc, uid desc);
create index job_history_of_pipeline
    on etlplus_control.job_history (workspace, pipeline, create_time desc, uid desc);
create index job_history_replays
    on etlplus_control.job_history (replay_of) where replay_of is not null;

create table etlplus_control.job_event_history (
    like etlplus_control.job_event,
    end_time timestamptz not null
) partition by range (end_time);
create index job_event_history_job on etlplus_control.job_event_history (job, sequence);

create table etlplus_control.job_log_history (
    like etlplus_control.job_log,
    end_time timestamptz not null
) partition by range (end_time);
create index job_log_history_job on etlplus_control.job_log_history (job, sequence);

create view etlplus_control.every_job as
    select * from etlplus_control.job
    union all
    select * from etlplus_control.job_history;

-- A job that moves keeps its windows and its replays; what forgets it deletes its windows.
alter table etlplus_control.job drop constraint job_replay_of_fkey;
alter table etlplus_control.job_window drop constraint job_window_job_fkey;

-- A job that comes back from history to be rolled back brings no limits along.
drop trigger job_queued on etlplus_control.job;
create trigger job_queued before insert on etlplus_control.job
    for each row when (
        new.state = 'PENDING' and (new.most_running is not null or new.most_starts is not null))
    execute function etlplus_control.job_queued();

-- The names of a day's tables end in it. Attaching one does not hold up readers, as making it in its
-- place would.
create function etlplus_control.open_history(day date) returns void
language plpgsql as $$
declare
    parent text;
    part text;
begin
    if to_regclass('etlplus_control.job_log_history_' || to_char(day, 'YYYYMMDD')) is not null then
        return;
    end if;
    perform pg_advisory_xact_lock(hashtextextended('etlplus history', 0));
    foreach parent in array array['job_history', 'job_event_history', 'job_log_history'] loop
        part := parent || '_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('etlplus_control.' || part) is not null;
        execute format('create table etlplus_control.%I (like etlplus_control.%I)', part, parent);
        execute format(
            'alter table etlplus_control.%I attach partition etlplus_control.%I '
            'for values from (%L) to (%L)',
            parent, part,
            day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
    end loop;
end $$;

-- How many jobs went with the day. None, if another process has dropped it.
create function etlplus_control.drop_history(day date) returns bigint
language plpgsql as $$
declare
    jobs text := 'job_history_' || to_char(day, 'YYYYMMDD');
    gone bigint;
begin
    perform pg_advisory_xact_lock(hashtextextended('etlplus history', 0));
    if to_regclass('etlplus_control.' || jobs) is null then
        return 0;
    end if;
    execute format('select count(*) from etlplus_control.%I', jobs) into gone;
    execute format(
        'delete from etlplus_control.job_window using etlplus_control.%I as old '
        'where job_window.job = old.uid', jobs);
    -- Successes that started one. What waits stays: it has still to start a job.
    execute format(
        'delete from etlplus_control.trigger_event using etlplus_control.%I as old '
        'where trigger_event.job = old.uid', jobs);
    execute format(
        'drop table etlplus_control.%I, etlplus_control.%I, etlplus_control.%I',
        jobs, 'job_event_history_' || to_char(day, 'YYYYMMDD'),
        'job_log_history_' || to_char(day, 'YYYYMMDD'));
    return gone;
end $$;
