-- Jobs that read again what another job refused.

alter table etlplus_control.job
    add column replay_of uuid references etlplus_control.job on delete set null,
    add column replay jsonb;

create index job_replays on etlplus_control.job (replay_of) where replay_of is not null;

-- A reject is loaded at most once: no two replays of a job wait, run or have published something that
-- stands. The query that adds a job names this condition, word for word.
create unique index job_standing_replay on etlplus_control.job (replay_of)
    where state in ('PENDING', 'RUNNING')
        or state = 'SUCCEEDED' and rollbacks = '[]'
        or jsonb_array_length(sinks) > jsonb_array_length(rollbacks);
