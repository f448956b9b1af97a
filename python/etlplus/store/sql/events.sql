-- name: events
-- One row without an event where there are none after `after`.
select job.sequence as latest,
    coalesce((select min(sequence) from etlplus_control.job_event where job = uid), job.sequence + 1)
        as oldest,
    event.sequence, event.time, event.kind, event.state, event.attempt, event.progress, event.error
from etlplus_control.job
left join lateral (
    select * from etlplus_control.job_event as each
    where each.job = job.uid and each.sequence > %(after)s
    order by each.sequence
    limit %(limit)s
) as event on true
where job.workspace = %(workspace)s and job.uid = %(uid)s
order by event.sequence

-- name: past_events
select job.sequence as latest,
    coalesce((
        select min(sequence) from etlplus_control.job_event_history as first
        where first.job = job.uid and first.end_time = job.end_time
    ), job.sequence + 1) as oldest,
    event.sequence, event.time, event.kind, event.state, event.attempt, event.progress, event.error
from etlplus_control.job_history as job
left join lateral (
    select * from etlplus_control.job_event_history as each
    where each.job = job.uid and each.end_time = job.end_time and each.sequence > %(after)s
    order by each.sequence
    limit %(limit)s
) as event on true
where job.workspace = %(workspace)s and job.uid = %(uid)s
order by event.sequence

-- name: append_log
with changed as (
    update etlplus_control.job set log_sequence = log_sequence + cardinality(%(messages)s::text[])
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
    returning uid, log_sequence, log_sequence - cardinality(%(messages)s::text[]) as before
), added as (
    insert into etlplus_control.job_log (job, sequence, time, level, message, node)
    select changed.uid, changed.before + line.number, line.time, line.level, line.message, line.node
    from changed cross join unnest(
        %(times)s::timestamptz[], %(levels)s::text[], %(messages)s::text[], %(nodes)s::text[]
    ) with ordinality as line (time, level, message, node, number)
), forgotten as (
    delete from etlplus_control.job_log using changed
    where job_log.job = changed.uid and job_log.sequence <= changed.log_sequence - %(keep)s
)
select uid from changed

-- name: log
-- One row without a line where there are none after `after`.
select job.log_sequence as latest,
    coalesce((select min(sequence) from etlplus_control.job_log where job = uid), log_sequence + 1)
        as oldest,
    line.sequence, line.time, line.level, line.message, line.node
from etlplus_control.job
left join lateral (
    select * from etlplus_control.job_log as each
    where each.job = job.uid and each.sequence > %(after)s
    order by each.sequence
    limit %(limit)s
) as line on true
where job.workspace = %(workspace)s and job.uid = %(uid)s
order by line.sequence

-- name: past_log
select job.log_sequence as latest,
    coalesce((
        select min(sequence) from etlplus_control.job_log_history as first
        where first.job = job.uid and first.end_time = job.end_time
    ), job.log_sequence + 1) as oldest,
    line.sequence, line.time, line.level, line.message, line.node
from etlplus_control.job_history as job
left join lateral (
    select * from etlplus_control.job_log_history as each
    where each.job = job.uid and each.end_time = job.end_time and each.sequence > %(after)s
    order by each.sequence
    limit %(limit)s
) as line on true
where job.workspace = %(workspace)s and job.uid = %(uid)s
order by line.sequence
