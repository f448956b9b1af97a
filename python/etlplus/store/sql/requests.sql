-- name: begin
-- Waits for another transaction that has the same id; takes over an id that is too old to count.
insert into etlplus_control.request (workspace, method, id, body_hash)
values (%(workspace)s, %(method)s, %(id)s, %(body_hash)s)
on conflict (workspace, method, id) do update set
    body_hash = excluded.body_hash, answer = null, create_time = clock_timestamp()
where request.create_time < clock_timestamp() - %(lifetime)s
returning id

-- name: get
select body_hash, answer from etlplus_control.request
where workspace = %(workspace)s and method = %(method)s and id = %(id)s

-- name: answer
update etlplus_control.request set answer = %(answer)s
where workspace = %(workspace)s and method = %(method)s and id = %(id)s

-- name: forget
delete from etlplus_control.request
where workspace = %(workspace)s and method = %(method)s and id = %(id)s

-- name: forget_old
-- A few with each new request: more than come, so that they do not pile up, and no one waits.
delete from etlplus_control.request
where (workspace, method, id) in (
    select workspace, method, id from etlplus_control.request
    where create_time < clock_timestamp() - %(lifetime)s
    order by create_time
    limit 8
    for update skip locked
)
