-- Jobs move by the day of their end, in UTC, with their events and logs; a reader finds each of them
-- in one place. Only the database's clock is read.

-- name: days
-- Of those that move next. The next job of the pipeline has to know of a load that may be published in part.
select distinct (end_time at time zone 'UTC')::date as day
from (
    select end_time from etlplus_control.job
    where end_time < clock_timestamp() - %(rest)s
        and not exists (
            select from etlplus_control.job_window
            where job_window.job = job.uid and job_window.state = 'OPEN' and job_window.begun)
    order by end_time
    limit %(limit)s
) as old

-- name: open
select etlplus_control.open_history(day) from unnest(%(days)s::date[]) as day

-- name: move
-- Only to days that are open: a statement cannot make the table that it fills.
with old as materialized (
    select uid, end_time from etlplus_control.job
    where end_time < clock_timestamp() - %(rest)s
        and (end_time at time zone 'UTC')::date = any(%(days)s)
        and not exists (
            select from etlplus_control.job_window
            where job_window.job = job.uid and job_window.state = 'OPEN' and job_window.begun)
    order by end_time
    limit %(limit)s
    for update skip locked
), event as (
    delete from etlplus_control.job_event using old where job_event.job = old.uid
    returning job_event.*, old.end_time
), line as (
    delete from etlplus_control.job_log using old where job_log.job = old.uid
    returning job_log.*, old.end_time
), moved as (
    delete from etlplus_control.job using old where job.uid = old.uid returning job.*
), events as (
    insert into etlplus_control.job_event_history select * from event
), lines as (
    insert into etlplus_control.job_log_history select * from line
), jobs as (
    insert into etlplus_control.job_history select * from moved
)
select count(*) as jobs from old

-- name: recall
with job as (
    delete from etlplus_control.job_history as past
    where past.workspace = %(workspace)s and past.uid = %(uid)s
    returning past.*
), event as (
    delete from etlplus_control.job_event_history as past using job
    where past.job = job.uid and past.end_time = job.end_time
    returning past.job, past.sequence, past.time, past.kind, past.state, past.attempt,
        past.progress, past.error
), line as (
    delete from etlplus_control.job_log_history as past using job
    where past.job = job.uid and past.end_time = job.end_time
    returning past.job, past.sequence, past.time, past.level, past.message, past.node
), events as (
    insert into etlplus_control.job_event
        (job, sequence, time, kind, state, attempt, progress, error)
    select * from event
), lines as (
    insert into etlplus_control.job_log (job, sequence, time, level, message, node)
    select * from line
)
insert into etlplus_control.job select * from job

-- name: past_days
-- Those of which every moment is older.
select day from (
    select to_date(right(part.relname, 8), 'YYYYMMDD') as day
    from pg_inherits join pg_class as part on part.oid = inhrelid
    where inhparent = 'etlplus_control.job_history'::regclass
) as held
where (day + 1)::timestamp at time zone 'UTC' <= clock_timestamp() - %(age)s
order by day

-- name: allow
-- What belongs to a whole day takes its time; what waits for a table holds up all who come after it.
select set_config('statement_timeout', '10min', true), set_config('lock_timeout', '1s', true)

-- name: drop
select etlplus_control.drop_history(%(day)s) as jobs
