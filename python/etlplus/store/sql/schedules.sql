-- Only the database's clock is read. A statement that fires names the instant that it expects to be
-- the next and the version that it computed with, so that of any number of replicas one has its way.

-- name: lock
select * from etlplus_control.schedule
where workspace = %(workspace)s and pipeline = %(pipeline)s
for update

-- name: now
select clock_timestamp() as now

-- name: save
insert into etlplus_control.schedule
    (workspace, pipeline, version, definition, timing, anchor, next_time)
values
    (%(workspace)s, %(pipeline)s, %(version)s, %(definition)s, %(timing)s, %(anchor)s,
    %(next_time)s)
on conflict (workspace, pipeline) do update set
    version = excluded.version,
    definition = excluded.definition,
    timing = excluded.timing,
    anchor = excluded.anchor,
    next_time = excluded.next_time,
    error = null
returning *

-- name: remove
delete from etlplus_control.schedule where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: forget
delete from etlplus_control.schedule_fire
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: pause
update etlplus_control.schedule set
    paused = %(paused)s,
    next_time = %(next_time)s,
    error = case when %(paused)s then error end
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: due
select *, clock_timestamp() as now from etlplus_control.schedule
where next_time <= clock_timestamp() and not paused
    and (next_time, workspace, pipeline)
        > (%(time)s::timestamptz, %(workspace)s::text, %(pipeline)s::text)
order by next_time, workspace, pipeline
limit %(limit)s

-- name: until_next
select min(next_time) - clock_timestamp() as wait from etlplus_control.schedule
where next_time is not null and not paused

-- name: fire
with moved as (
    update etlplus_control.schedule set next_time = %(next_time)s, error = null
    where workspace = %(workspace)s and pipeline = %(pipeline)s and version = %(version)s
        and next_time = %(planned)s and not paused and next_time <= clock_timestamp()
    returning *
), fired as (
    insert into etlplus_control.schedule_fire (workspace, pipeline, time, job)
    select moved.workspace, moved.pipeline, instant.time, instant.job
    from moved cross join unnest(%(times)s::timestamptz[], %(jobs)s::uuid[]) as instant (time, job)
    on conflict (workspace, pipeline, time) do nothing
    returning *
), made as (
    insert into etlplus_control.job
        (uid, workspace, pipeline, version, params, author, scheduled_time, queue, lane, priority,
        turn, concurrency_key, most_running, most_starts, starts_per)
    select fired.job, fired.workspace, fired.pipeline, %(version)s, %(params)s, %(author)s,
        fired.time, %(queue)s, %(queue)s, %(priority)s,
        clock_timestamp() - %(priority)s::integer * interval '1 minute', instant.key,
        %(most_running)s, %(most_starts)s, %(starts_per)s
    from fired
    join unnest(%(jobs)s::uuid[], %(keys)s::text[]) as instant (job, key) on instant.job = fired.job
    order by fired.time
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from made
)
select * from made order by scheduled_time

-- name: remember
update etlplus_control.schedule set last_time = %(time)s, last_job = %(job)s
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: fail
update etlplus_control.schedule set next_time = %(next_time)s, error = %(error)s
where workspace = %(workspace)s and pipeline = %(pipeline)s and version = %(version)s
    and next_time = %(planned)s and not paused
returning pipeline

-- name: run_at
-- An instant whose job has failed or was cancelled may be run again; any other has its job already.
with fired as (
    insert into etlplus_control.schedule_fire (workspace, pipeline, time, job)
    values (%(workspace)s, %(pipeline)s, %(time)s, %(uid)s)
    on conflict (workspace, pipeline, time) do update set job = excluded.job
    where exists (
        select from etlplus_control.every_job as job
        where job.uid = schedule_fire.job and job.state in ('FAILED', 'CANCELLED')
    )
    returning *
), made as (
    insert into etlplus_control.job
        (uid, workspace, pipeline, version, params, author, scheduled_time, queue, lane, priority,
        turn, concurrency_key, most_running, most_starts, starts_per, plan_hash)
    select fired.job, fired.workspace, fired.pipeline, %(version)s, %(params)s, %(author)s,
        fired.time, %(queue)s, %(queue)s, %(priority)s,
        clock_timestamp() - %(priority)s::integer * interval '1 minute', %(key)s, %(most_running)s,
        %(most_starts)s, %(starts_per)s, %(plan_hash)s
    from fired
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from made
)
select * from made

-- name: fired
select job.* from etlplus_control.schedule_fire as fire
join etlplus_control.every_job as job on job.uid = fire.job
where fire.workspace = %(workspace)s and fire.pipeline = %(pipeline)s and fire.time = %(time)s
