-- Every change of a job is one statement that also adds the event which tells of it, under the lock
-- of the job's row: events of a job are numbered in the order of their commits, without gaps.
-- No statement notifies: a commit that does waits for all others that do, and theirs for its disk.
-- Hints are sent after it, by `store/hints.py`.
-- Only the database's clock is read. Triggers keep the places in lanes (migration 0007).

-- name: create
with made as (
    insert into etlplus_control.job
        (uid, workspace, pipeline, version, params, author, scheduled_time, zone, replay_of, replay,
        queue, lane, priority, turn, concurrency_key, most_running, most_starts, starts_per,
        plan_hash)
    values
        (%(uid)s, %(workspace)s, %(pipeline)s, %(version)s, %(params)s, %(author)s,
        %(scheduled_time)s, %(zone)s, %(replay_of)s, %(replay)s, %(queue)s, %(queue)s, %(priority)s,
        clock_timestamp() - %(priority)s::integer * interval '1 minute', %(key)s, %(most_running)s,
        %(most_starts)s, %(starts_per)s, %(plan_hash)s)
    -- As in the index job_standing_replay: waits for another one that is not committed yet.
    on conflict (replay_of) where state in ('PENDING', 'RUNNING')
        or state = 'SUCCEEDED' and rollbacks = '[]'
        or jsonb_array_length(sinks) > jsonb_array_length(rollbacks)
        do nothing
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from made
), moved as (
    update etlplus_control.pipeline_trigger as held set
        last_time = clock_timestamp(), last_job = made.uid
    from made
    where %(webhook)s and held.workspace = made.workspace and held.pipeline = made.pipeline
)
select * from made

-- name: select
-- A job, with what started it and the jobs that it started; from where follows.
select job.*,
    array(
        select above.upstream_job from etlplus_control.trigger_event as above
        where above.job = job.uid
        order by above.time, above.upstream_job
    ) as upstream,
    array(
        select below.job from etlplus_control.trigger_event as below
        where below.upstream_job = job.uid and below.job is not null
        order by below.job
    ) as downstream,
    array(
        select arrival.path from etlplus_control.file_arrival as arrival
        where arrival.job = job.uid
        order by arrival.path
        limit 10
    ) as arrived,
    (
        select count(*) from etlplus_control.file_arrival as arrival where arrival.job = job.uid
    ) as arrived_count

-- name: get
from etlplus_control.job
where workspace = %(workspace)s and uid = %(uid)s

-- name: get_any
-- One that is not in the queue's table any more. Both are read: it may come back from the history.
from etlplus_control.every_job as job
where workspace = %(workspace)s and uid = %(uid)s

-- name: list
from etlplus_control.every_job as job
where

-- name: standing_replay
-- Another one that stands. The index keeps it out for as long as it is in the queue's table.
select uid from etlplus_control.every_job
where replay_of = %(replay_of)s and uid <> %(uid)s and (state in ('PENDING', 'RUNNING')
    or state = 'SUCCEEDED' and rollbacks = '[]'
    or jsonb_array_length(sinks) > jsonb_array_length(rollbacks))

-- name: request_cancel
with changed as (
    update etlplus_control.job set
        cancel_requested = true,
        state = case state when 'PENDING' then 'CANCELLED' else state end,
        end_time = case state when 'PENDING' then clock_timestamp() end,
        sequence = sequence + 1
    where workspace = %(workspace)s and uid = %(uid)s
        and (state = 'PENDING' or state = 'RUNNING' and not cancel_requested)
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from changed
)
select * from changed

-- name: claim
-- Lanes are visited by the turn of their first job. A lane with limits is locked before any of its
-- jobs, and its room is read again under the lock; one that another claim has is passed by. All is
-- done row by row: what the limit does not ask for is neither read nor locked.
-- Materialised: the planner must not merge the candidates into the update and forget their limit.
-- The limit is written out, not bound: without knowing it, a plan that is made once reads everything.
-- What is the same for every claimed job is not returned: half of the time went into columns.
with open_lane as materialized (
    select lane.name, lane.limited, head.turn
    from (
        select unnest(%(queues)s::text[]) as name, false as limited
        union all
        select lane.name, true from etlplus_control.lane as lane
        where etlplus_control.room(lane) > 0
    ) as lane
    cross join lateral (
        select job.turn from etlplus_control.job
        where job.lane = lane.name and job.state = 'PENDING' and not job.asleep
            and job.run_at <= clock_timestamp() and job.queue = any(%(queues)s::text[])
        order by job.turn, job.uid
        limit 1
    ) as head
    order by head.turn
), candidate as materialized (
    select job.uid
    from open_lane
    left join lateral (
        select etlplus_control.room(lane) as room from etlplus_control.lane as lane
        where open_lane.limited and lane.name = open_lane.name
            and etlplus_control.room(lane) > 0
        for update skip locked
    ) as held on true
    cross join lateral (
        select job.uid from etlplus_control.job
        where job.lane = open_lane.name and job.state = 'PENDING' and not job.asleep
            and job.run_at <= clock_timestamp() and job.queue = any(%(queues)s::text[])
        order by job.turn, job.uid
        limit case when open_lane.limited then coalesce(held.room, 0) end
        for update skip locked
    ) as job
    limit {limit}
), claimed as (
    update etlplus_control.job set
        state = 'RUNNING',
        epoch = nextval('etlplus_control.epoch'),
        worker = %(worker)s,
        lease_until = clock_timestamp() + %(lease)s,
        attempt = attempt + 1,
        start_time = coalesce(start_time, clock_timestamp()),
        run_at = job.create_time,
        turn = job.create_time - job.priority * interval '1 minute',
        error = null,
        warnings = '[]',
        progress = '{}',
        sequence = sequence + 1
    from candidate
    where job.uid = candidate.uid and job.state = 'PENDING'
    returning job.uid, job.workspace, job.pipeline, job.version, job.params, job.author,
        job.create_time, job.priority, job.attempt, job.lost_leases, job.epoch, job.start_time,
        job.sinks, job.rejects, job.sequence, job.scheduled_time, job.retries, job.queue, job.turn,
        job.zone, job.replay, job.plan_hash
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress)
    select uid, sequence, 'state', 'RUNNING', attempt, '{}' from claimed
)
select * from claimed

-- name: heartbeat
update etlplus_control.job set lease_until = clock_timestamp() + %(lease)s
from unnest(%(jobs)s::uuid[], %(epochs)s::bigint[]) as held (uid, epoch)
where job.uid = held.uid and job.epoch = held.epoch and job.state = 'RUNNING'
returning job.uid, job.cancel_requested, job.lease_until - clock_timestamp() as remaining

-- name: progress
with changed as (
    update etlplus_control.job set progress = %(progress)s, sequence = sequence + 1
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'progress', state, attempt, progress, error from changed
), forgotten as (
    delete from etlplus_control.job_event using changed
    where job_event.job = changed.uid and job_event.sequence <= changed.sequence - %(keep)s
)
select uid, limited from changed

-- name: settle
-- With the last lines of its log, so that a job's end waits once for the disk.
with changed as (
    update etlplus_control.job set
        state = %(state)s,
        end_time = clock_timestamp(),
        progress = %(progress)s,
        sinks = %(sinks)s,
        rejects = %(rejects)s,
        error = %(error)s,
        warnings = %(warnings)s,
        worker = null,
        lease_until = null,
        sequence = sequence + 1,
        log_sequence = log_sequence + cardinality(%(messages)s::text[])
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from changed
), added as (
    insert into etlplus_control.job_log (job, sequence, time, level, message, node)
    select changed.uid,
        changed.log_sequence - cardinality(%(messages)s::text[]) + line.number,
        line.time, line.level, line.message, line.node
    from changed cross join unnest(
        %(times)s::timestamptz[], %(levels)s::text[], %(messages)s::text[], %(nodes)s::text[]
    ) with ordinality as line (time, level, message, node, number)
), forgotten as (
    delete from etlplus_control.job_log using changed
    where job_log.job = changed.uid and job_log.sequence <= changed.log_sequence - %(keep)s
), arrived as (
    insert into etlplus_control.trigger_event
        (workspace, pipeline, upstream, upstream_job, time, instant, zone)
    select held.workspace, held.pipeline, changed.pipeline, changed.uid, changed.end_time,
        coalesce(changed.scheduled_time, changed.create_time),
        coalesce(changed.zone, schedule.definition ->> 'timezone', 'UTC')
    from changed
    join etlplus_control.pipeline_trigger as held
        on held.workspace = changed.workspace and held.upstreams @> array[changed.pipeline]
    left join etlplus_control.schedule
        on schedule.workspace = changed.workspace and schedule.pipeline = changed.pipeline
    where changed.state = 'SUCCEEDED'
    returning upstream_job
), done as (
    update etlplus_control.job_window as part set state = 'DONE'
    from changed
    where part.job = changed.uid and part.state = 'OPEN' and changed.state = 'SUCCEEDED'
    returning part.workspace, part.pipeline, part.source, part.number, part.base, part.after,
        part.value
), moved as (
    -- Only from where the window went out, and never by an older one. A lower epoch of the job did not
    -- get here.
    update etlplus_control.position as place set
        value = done.after,
        epoch = nextval('etlplus_control.epoch'),
        number = done.number,
        update_time = clock_timestamp()
    from done
    where place.workspace = done.workspace and place.pipeline = done.pipeline
        and place.source = done.source and place.epoch = done.base
        and place.number < done.number
    returning done.*
), loaded as (
    insert into etlplus_control.loaded_file
        (workspace, pipeline, source, content, path, size, modified_ns, number)
    select moved.workspace, moved.pipeline, moved.source, file.content, file.path, file.size,
        file.modified_ns, moved.number
    from moved
    cross join lateral jsonb_to_recordset(moved.value -> 'files')
        as file (content text, path text, size bigint, modified_ns bigint)
    where moved.value ->> 'kind' = 'files'
    on conflict do nothing
)
select uid, limited, exists (select from arrived) as arrives from changed

-- name: put_back
-- After a failure that may pass: with a delay, and with what is known of the run. Handed back: with
-- none of these. The attempt is spent where it counts.
with changed as (
    update etlplus_control.job set
        state = case when cancel_requested then 'CANCELLED' else 'PENDING' end,
        end_time = case when cancel_requested then clock_timestamp() end,
        run_at = coalesce(clock_timestamp() + %(delay)s::interval, run_at),
        turn = coalesce(
            clock_timestamp() + %(delay)s::interval - priority * interval '1 minute', turn),
        asleep = coalesce(%(delay)s::interval > interval '0', false) and not cancel_requested,
        attempt = attempt - case when %(counts)s then 0 else 1 end,
        retries = retries + case when %(counts)s then 1 else 0 end,
        progress = coalesce(%(progress)s::jsonb, progress),
        sinks = coalesce(%(sinks)s::jsonb, sinks),
        rejects = coalesce(%(rejects)s::jsonb, rejects),
        error = %(error)s,
        warnings = coalesce(%(warnings)s::jsonb, warnings),
        worker = null,
        lease_until = null,
        sequence = sequence + 1
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
    returning *
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from changed
)
select uid, limited from changed

-- name: rescue
with lost as materialized (
    select uid from etlplus_control.job
    where state = 'RUNNING' and lease_until < clock_timestamp()
    order by lane, uid
    for update skip locked
), changed as (
    update etlplus_control.job set
        state = case
            when cancel_requested then 'CANCELLED'
            when lost_leases + 1 >= %(max_lost)s then 'FAILED'
            else 'PENDING'
        end,
        error = case
            when not cancel_requested and lost_leases + 1 >= %(max_lost)s then %(error)s::jsonb
        end,
        end_time = case
            when cancel_requested or lost_leases + 1 >= %(max_lost)s then clock_timestamp()
        end,
        lost_leases = lost_leases + 1,
        worker = null,
        lease_until = null,
        sequence = sequence + 1
    from lost
    where job.uid = lost.uid and job.state = 'RUNNING' and job.lease_until < clock_timestamp()
    returning job.*
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from changed
)
select uid, limited from changed

-- name: is_current
select exists (
    select from etlplus_control.job
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
        and lease_until > clock_timestamp()
) as is_current

-- name: earlier
select job.progress
from etlplus_control.job as own
join etlplus_control.every_job as job
    on job.workspace = own.workspace and job.pipeline = own.pipeline
    and job.concurrency_key = own.concurrency_key and job.uid <> own.uid
where own.uid = %(uid)s and job.state = 'SUCCEEDED' and job.replay_of is null
    and job.rollbacks = '[]'
order by job.create_time desc, job.uid desc
limit %(limit)s

-- name: live_leases
-- Also those that have run out: until they are rescued, their worker may come back and prolong them.
select uid, epoch from etlplus_control.job where state = 'RUNNING' order by uid

-- name: roll_back
-- A sink is rolled back once: what is noted of it already stays.
with fresh as (
    select uid, (
        select jsonb_agg(given) from jsonb_array_elements(%(rollbacks)s::jsonb) given
        where not exists (
            select from jsonb_array_elements(rollbacks) noted
            where noted ->> 'sink' = given ->> 'sink')
    ) as given
    from etlplus_control.job
    where workspace = %(workspace)s and uid = %(uid)s
    for no key update
), changed as (
    update etlplus_control.job set
        rollbacks = job.rollbacks || fresh.given,
        sequence = sequence + 1
    from fresh
    where job.uid = fresh.uid and fresh.given is not null
    returning job.*
), event as (
    insert into etlplus_control.job_event (job, sequence, kind, state, attempt, progress, error)
    select uid, sequence, 'state', state, attempt, progress, error from changed
), undone as (
    -- The load is undone as a whole, for every job that carried it.
    update etlplus_control.job_window as part set state = 'UNDONE'
    from changed
    join etlplus_control.job_window as own on own.job = changed.uid
    where part.load = own.load and part.source = own.source and part.state in ('OPEN', 'DONE')
        and jsonb_array_length(changed.rollbacks) >= jsonb_array_length(changed.sinks)
    returning part.workspace, part.pipeline, part.source, part.number, part.before
), unloaded as (
    delete from etlplus_control.loaded_file as file using undone
    where file.workspace = undone.workspace and file.pipeline = undone.pipeline
        and file.source = undone.source and file.number = undone.number
), back as (
    -- In whatever order several are rolled back, the oldest window says where the next one begins.
    update etlplus_control.position as place set
        value = undone.before,
        epoch = nextval('etlplus_control.epoch'),
        number = undone.number - 1,
        update_time = clock_timestamp()
    from undone
    where place.workspace = undone.workspace and place.pipeline = undone.pipeline
        and place.source = undone.source and place.number >= undone.number
)
select * from changed
