-- A position moves in the statement that settles a job, or rolls it back: see `jobs.sql`. All others
-- lock the pipeline's positions first, after the row of the job whose claim asks.

-- name: held
select workspace, pipeline from etlplus_control.job
where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
for no key update

-- name: ensure
insert into etlplus_control.position (workspace, pipeline, source)
select %(workspace)s, %(pipeline)s, unnest(%(sources)s::text[])
on conflict do nothing

-- name: lock
select * from etlplus_control.position
where workspace = %(workspace)s and pipeline = %(pipeline)s
order by source
for update

-- name: positions
select * from etlplus_control.position
where workspace = %(workspace)s and pipeline = %(pipeline)s
order by source

-- name: of_job
select * from etlplus_control.job_window where job = %(job)s order by source

-- name: active
-- Jobs that have not ended and whose windows are fixed.
select distinct part.job from etlplus_control.job_window as part
join etlplus_control.job on job.uid = part.job
where part.workspace = %(workspace)s and part.pipeline = %(pipeline)s and part.state = 'OPEN'
    and job.state in ('PENDING', 'RUNNING')

-- name: unfinished
-- Windows of jobs that ended, but may have published a part of their load.
select part.* from etlplus_control.job_window as part
join etlplus_control.job on job.uid = part.job
where part.workspace = %(workspace)s and part.pipeline = %(pipeline)s and part.state = 'OPEN'
    and part.begun and job.state in ('FAILED', 'CANCELLED')
order by part.number

-- name: fix
insert into etlplus_control.job_window
    (job, source, workspace, pipeline, load, value, before, after, base, begun)
values
    (%(job)s, %(source)s, %(workspace)s, %(pipeline)s, %(load)s, %(value)s, %(before)s, %(after)s,
    %(base)s, %(begun)s)
on conflict (job, source) do nothing

-- name: leave
update etlplus_control.job_window set state = 'LEFT'
where job = %(job)s and state = 'OPEN'

-- name: begin_publishing
update etlplus_control.job_window set begun = true where job = %(job)s and not begun

-- name: reset
update etlplus_control.position set
    value = %(value)s,
    epoch = nextval('etlplus_control.epoch'),
    number = nextval('etlplus_control.epoch'),
    held_by = null,
    update_time = clock_timestamp()
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s

-- name: forget
update etlplus_control.job_window set state = 'LEFT'
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s
    and state in ('OPEN', 'DONE')

-- name: forget_files
delete from etlplus_control.loaded_file
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s

-- name: loaded
select content from etlplus_control.loaded_file
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s
    and content = any(%(contents)s::text[])

-- name: of_loads
select * from etlplus_control.job_window
where load = any(%(loads)s::uuid[]) and state in ('OPEN', 'DONE')
order by workspace, pipeline, source, number

-- name: later
select distinct job, number from etlplus_control.job_window
where workspace = %(workspace)s and pipeline = %(pipeline)s and source = %(source)s
    and number > %(number)s and state = 'DONE' and load <> all(%(loads)s::uuid[])
order by number

-- name: hold
update etlplus_control.position set held_by = %(by)s
where workspace = %(workspace)s and pipeline = %(pipeline)s

-- name: free
update etlplus_control.position set held_by = null where held_by = %(by)s

-- name: carriers
select distinct job from etlplus_control.job_window where load = %(load)s order by job
