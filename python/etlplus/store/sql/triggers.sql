-- Successes arrive in `trigger_event` by the statement that settles a job (jobs.sql). Whoever fires
-- holds the row of the trigger, so of any number of replicas one has its way.

-- name: one_at_a_time
-- Two pipelines that are stored at once must not each overlook the other's half of a cycle.
select pg_advisory_xact_lock(hashtextextended('etlplus triggers ' || %(workspace)s::text, 0))

-- name: stored
select name from etlplus_control.pipeline
where workspace = %(workspace)s and name = any(%(names)s::text[]) and delete_time is null

-- name: graph
select pipeline, upstreams from etlplus_control.pipeline_trigger
where workspace = %(workspace)s and pipeline <> %(pipeline)s

-- name: save
insert into etlplus_control.pipeline_trigger (workspace, pipeline, version, definition, upstreams)
values (%(workspace)s, %(pipeline)s, %(version)s, %(definition)s, %(upstreams)s)
on conflict (workspace, pipeline) do update set
    version = excluded.version,
    definition = excluded.definition,
    upstreams = excluded.upstreams,
    error = null

-- name: remove
delete from etlplus_control.pipeline_trigger
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: drop_waiting
-- What has started a job stays, for the view of the chain.
delete from etlplus_control.trigger_event
where workspace = %(workspace)s and pipeline = %(pipeline)s and job is null
    and upstream <> all(%(upstreams)s::text[])

-- name: states
select held.*, upstream.name as upstream, source.name is null as deleted,
    newest.uid as newest_job, newest.state as newest_state,
    (
        select count(*) from etlplus_control.trigger_event as event
        where event.workspace = held.workspace and event.pipeline = held.pipeline
            and event.upstream = upstream.name and event.job is null
    ) as waiting
from etlplus_control.pipeline_trigger as held
left join unnest(held.upstreams) with ordinality as upstream (name, place) on true
left join etlplus_control.pipeline as source
    on source.workspace = held.workspace and source.name = upstream.name
    and source.delete_time is null
left join lateral (
    select uid, state from etlplus_control.every_job as job
    where job.workspace = held.workspace and job.pipeline = upstream.name
    order by create_time desc, uid desc
    limit 1
) as newest on true
where held.workspace = %(workspace)s and held.pipeline = any(%(pipelines)s::text[])
order by held.pipeline, upstream.place

-- name: due
select held.* from etlplus_control.pipeline_trigger as held
where not paused and error is null and held.upstreams <> '{}'
    and (workspace, pipeline) > (%(workspace)s::text, %(pipeline)s::text)
    and not exists (
        select from unnest(held.upstreams) as upstream (name)
        where not exists (
            select from etlplus_control.trigger_event as event
            where event.workspace = held.workspace and event.pipeline = held.pipeline
                and event.upstream = upstream.name and event.job is null
        )
    )
order by workspace, pipeline
limit %(limit)s

-- name: hold
select pipeline from etlplus_control.pipeline_trigger
where workspace = %(workspace)s and pipeline = %(pipeline)s and version = %(version)s
    and not paused and error is null
for update skip locked

-- name: waiting
select upstream, upstream_job, instant, zone from etlplus_control.trigger_event
where workspace = %(workspace)s and pipeline = %(pipeline)s and job is null
order by time, upstream_job

-- name: used
-- A success that is there no more, or has started a job.
select success.upstream_job from unnest(%(successes)s::uuid[]) as success (upstream_job)
where not exists (
    select from etlplus_control.trigger_event as event
    where event.workspace = %(workspace)s and event.pipeline = %(pipeline)s
        and event.upstream_job = success.upstream_job and event.job is null
)
limit 1

-- name: fire
with made as (
    insert into etlplus_control.job
        (uid, workspace, pipeline, version, params, author, scheduled_time, zone, queue, lane,
        priority, turn, concurrency_key, most_running, most_starts, starts_per)
    select run.uid, %(workspace)s, %(pipeline)s, %(version)s, %(params)s, %(author)s,
        run.instant, run.zone, %(queue)s, %(queue)s, %(priority)s,
        clock_timestamp() - %(priority)s::integer * interval '1 minute', run.key,
        %(most_running)s, %(most_starts)s, %(starts_per)s
    from unnest(
        %(jobs)s::uuid[], %(instants)s::timestamptz[], %(zones)s::text[], %(keys)s::text[]
    ) with ordinality as run (uid, instant, zone, key, place)
    order by run.place
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from made
), started as (
    update etlplus_control.trigger_event as waiting set job = success.job
    from unnest(%(successes)s::uuid[], %(started)s::uuid[]) as success (upstream_job, job)
    where waiting.workspace = %(workspace)s and waiting.pipeline = %(pipeline)s
        and waiting.upstream_job = success.upstream_job and waiting.job is null
), moved as (
    update etlplus_control.pipeline_trigger set
        last_time = clock_timestamp(), last_job = %(last)s
    where workspace = %(workspace)s and pipeline = %(pipeline)s
)
select * from made order by uid

-- name: fail
update etlplus_control.pipeline_trigger set error = %(error)s
where workspace = %(workspace)s and pipeline = %(pipeline)s and version = %(version)s
    and not paused
returning pipeline

-- name: pause
update etlplus_control.pipeline_trigger set
    paused = %(paused)s,
    error = case when %(paused)s then error end
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: chain
with recursive above (uid) as (
    select %(job)s::uuid
    union
    select event.upstream_job
    from above join etlplus_control.trigger_event as event on event.job = above.uid
), below (uid) as (
    select uid from above
    union
    select event.job
    from below join etlplus_control.trigger_event as event on event.upstream_job = below.uid
    where event.job is not null
)
select uid from below
