-- name: create
insert into etlplus_control.token (id, kind, principal, workspace, secret_hash, expire_time)
values (%(id)s, %(kind)s, %(principal)s, %(workspace)s, %(secret_hash)s, %(expire_time)s)
on conflict (id) do nothing
returning *, coalesce(expire_time > clock_timestamp(), true) as usable

-- name: lock
lock table etlplus_control.token in share row exclusive mode

-- name: create_first
insert into etlplus_control.token (id, kind, principal, workspace, secret_hash, expire_time)
select %(id)s, %(kind)s, %(principal)s, %(workspace)s, %(secret_hash)s, %(expire_time)s
where not exists (select from etlplus_control.token)
returning id

-- name: get
select *, revoke_time is null and coalesce(expire_time > clock_timestamp(), true) as usable
from etlplus_control.token
where id = %(id)s

-- name: revoke
update etlplus_control.token set revoke_time = clock_timestamp()
where id = %(id)s and revoke_time is null
returning id
