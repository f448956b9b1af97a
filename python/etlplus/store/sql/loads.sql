-- name: get
select * from etlplus_control.file_load where load_id = %(load_id)s and sink = %(sink)s

-- name: record
-- The lock on the job's row keeps a later claim from being made until this commits.
with held as materialized (
    select uid from etlplus_control.job
    where uid = %(job)s and epoch = %(epoch)s and state = 'RUNNING'
    for no key update
)
insert into etlplus_control.file_load
    (load_id, sink, job, epoch, kind, target, mode, read, loaded, rejected, filtered, merged_away,
    expanded, checksum, files, undo, windows)
select %(load_id)s, %(sink)s, held.uid, %(epoch)s, %(kind)s, %(target)s, %(mode)s, %(read)s,
    %(loaded)s, %(rejected)s, %(filtered)s, %(merged_away)s, %(expanded)s, %(checksum)s, %(files)s,
    %(undo)s, %(windows)s
from held
on conflict (load_id, sink) do nothing
returning *

-- name: standing
select * from etlplus_control.file_load
where target = %(target)s and create_time >= %(since)s and rolled_back_time is null
order by create_time desc, load_id desc, sink desc

-- name: roll_back
update etlplus_control.file_load set
    rolled_back_time = clock_timestamp(),
    rolled_back_author = %(author)s,
    rolled_back_for = %(cause)s,
    rollback_reason = %(reason)s
where load_id = %(load_id)s and sink = %(sink)s and rolled_back_time is null
returning *

-- name: rolled_back_for
select * from etlplus_control.file_load where rolled_back_for = %(load_id)s
order by create_time desc, load_id desc, sink desc
