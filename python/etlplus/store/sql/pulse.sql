-- Leases, for a driver that numbers its parameters: jobs, epochs, seconds.

-- name: pulse
-- As heartbeat of jobs.sql.
update etlplus_control.job set lease_until = clock_timestamp() + make_interval(secs => $3)
from unnest($1::text[]::uuid[], $2::bigint[]) as held (uid, epoch)
where job.uid = held.uid and job.epoch = held.epoch and job.state = 'RUNNING'
returning job.uid::text, job.cancel_requested,
    extract(epoch from job.lease_until - clock_timestamp())::float8
