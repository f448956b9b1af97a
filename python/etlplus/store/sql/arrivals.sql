-- Whoever queues a job for files holds the row of the trigger (triggers.sql, `hold`), so what is known
-- by then stays so until the end of the transaction.

-- name: watched
select * from etlplus_control.pipeline_trigger
where not paused and error is null and definition ? 'files'
    and (workspace, pipeline) > (%(workspace)s::text, %(pipeline)s::text)
order by workspace, pipeline
limit %(limit)s

-- name: known
select content from etlplus_control.file_arrival
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s
    and content = any(%(contents)s::text[])

-- name: fire
with made as (
    insert into etlplus_control.job
        (uid, workspace, pipeline, version, params, author, queue, lane, priority, turn,
        concurrency_key, most_running, most_starts, starts_per)
    values
        (%(job)s, %(workspace)s, %(pipeline)s, %(version)s, %(params)s, %(author)s, %(queue)s,
        %(queue)s, %(priority)s,
        clock_timestamp() - %(priority)s::integer * interval '1 minute', %(key)s,
        %(most_running)s, %(most_starts)s, %(starts_per)s)
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from made
), arrived as (
    insert into etlplus_control.file_arrival
        (workspace, pipeline, source, content, path, size, modified_ns, job)
    select %(workspace)s, %(pipeline)s, %(source)s, file.content, file.path, file.size,
        file.modified_ns, %(job)s
    from unnest(
        %(contents)s::text[], %(paths)s::text[], %(sizes)s::bigint[], %(modified)s::bigint[]
    ) as file (content, path, size, modified_ns)
), moved as (
    update etlplus_control.pipeline_trigger set
        last_time = clock_timestamp(), last_job = %(job)s
    where workspace = %(workspace)s and pipeline = %(pipeline)s
)
select uid from made

-- name: looked
insert into etlplus_control.file_watch as watch
    (workspace, pipeline, look_time, next_look_time, unsettled)
select workspace, pipeline, clock_timestamp(), clock_timestamp() + %(next)s, %(unsettled)s
from etlplus_control.pipeline_trigger
where workspace = %(workspace)s and pipeline = %(pipeline)s and version = %(version)s
on conflict (workspace, pipeline) do update set
    look_time = excluded.look_time,
    next_look_time = excluded.next_look_time,
    unsettled = excluded.unsettled

-- name: states
select held.pipeline, arrival.arrived, arrival.last_time, last.path as last_path, watch.look_time,
    watch.next_look_time, coalesce(watch.unsettled, 0) as unsettled
from etlplus_control.pipeline_trigger as held
cross join lateral (
    select count(*) as arrived, max(time) as last_time from etlplus_control.file_arrival
    where workspace = held.workspace and pipeline = held.pipeline
        and source = held.definition -> 'files' ->> 'source'
) as arrival
left join lateral (
    select path from etlplus_control.file_arrival
    where workspace = held.workspace and pipeline = held.pipeline
        and source = held.definition -> 'files' ->> 'source'
    order by time desc, path desc
    limit 1
) as last on true
left join etlplus_control.file_watch as watch
    on watch.workspace = held.workspace and watch.pipeline = held.pipeline
where held.workspace = %(workspace)s and held.pipeline = any(%(pipelines)s::text[])
    and held.definition ? 'files'

-- name: forget
with forgotten as (
    delete from etlplus_control.file_watch
    where workspace = %(workspace)s and pipeline = %(pipeline)s
)
delete from etlplus_control.file_arrival
where workspace = %(workspace)s and pipeline = %(pipeline)s
