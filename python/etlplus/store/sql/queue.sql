-- What belongs to the queue as a whole. Only the database's clock is read.

-- name: awaken
with due as materialized (
    select uid from etlplus_control.job
    where state = 'PENDING' and asleep and run_at <= clock_timestamp()
    order by run_at
    limit %(limit)s
    for update skip locked
)
update etlplus_control.job set asleep = false
from due
where job.uid = due.uid and job.state = 'PENDING' and job.asleep
returning job.uid

-- name: serve
with gone as (
    delete from etlplus_control.worker
    where until_time < clock_timestamp() - interval '1 day' and uid <> %(worker)s
)
insert into etlplus_control.worker (uid, queues, until_time)
values (%(worker)s, %(queues)s, clock_timestamp() + %(lease)s)
on conflict (uid) do update set queues = excluded.queues, until_time = excluded.until_time

-- name: leave
delete from etlplus_control.worker where uid = %(worker)s

-- name: standings
select job.uid, job.queue, job.priority, job.concurrency_key, job.retries, job.error,
    case when job.asleep or job.run_at > clock_timestamp() then job.run_at end as retry_time,
    lane.most_running, lane.most_starts, lane.starts_per,
    coalesce(cardinality(lane.running), 0) as running,
    array(
        select moment from unnest(lane.started) as moment
        where moment > clock_timestamp() - lane.starts_per
        order by moment
    ) as started,
    exists (
        select from etlplus_control.worker
        where job.queue = any(queues) and until_time > clock_timestamp()
    ) as served
from etlplus_control.job
left join etlplus_control.lane on job.limited and lane.name = job.lane
where job.uid = any(%(jobs)s) and job.state = 'PENDING'

-- name: forget_lanes
-- One that was used lately stays: whoever queues a job writes its time, which this then sees.
delete from etlplus_control.lane
where used_time < clock_timestamp() - greatest(interval '1 day', starts_per)
    and running = '{}'
    and not exists (
        select from etlplus_control.job where job.lane = lane.name and state = 'PENDING')

-- name: forget_jobs
-- Of those that are not in the history: with their events, logs, windows, and the successes that started
-- them. What other tables hold of them, as ledgers do, stays.
with old as materialized (
    select uid from etlplus_control.job
    where end_time < clock_timestamp() - %(age)s
        -- The next job of the pipeline has to know of a load that may be published in part.
        and not exists (
            select from etlplus_control.job_window
            where job_window.job = job.uid and job_window.state = 'OPEN' and job_window.begun)
    order by end_time
    limit %(limit)s
    for update skip locked
), events as (
    delete from etlplus_control.job_event using old where job_event.job = old.uid
), lines as (
    delete from etlplus_control.job_log using old where job_log.job = old.uid
), windows as (
    delete from etlplus_control.job_window using old where job_window.job = old.uid
), links as (
    -- Successes that started one. What waits stays: it has still to start a job.
    delete from etlplus_control.trigger_event using old where trigger_event.job = old.uid
)
delete from etlplus_control.job using old where job.uid = old.uid
returning job.uid
