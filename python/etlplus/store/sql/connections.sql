-- An etag is the row's revision in double quotes; an empty one given by a caller matches every row.

-- name: create
insert into etlplus_control.connection (workspace, name, kind, options, password)
values (%(workspace)s, %(name)s, %(kind)s, %(options)s, %(password)s)
on conflict (workspace, name) do nothing
returning *

-- name: get
select * from etlplus_control.connection where workspace = %(workspace)s and name = %(name)s

-- name: list
select * from etlplus_control.connection
where workspace = %(workspace)s and name > %(after)s
order by name
limit %(limit)s

-- name: update
update etlplus_control.connection set
    kind = %(kind)s,
    options = %(options)s,
    password = %(password)s,
    revision = revision + 1,
    update_time = clock_timestamp()
where workspace = %(workspace)s and name = %(name)s
    and %(etag)s in ('', '"' || revision || '"')
returning *

-- name: delete
delete from etlplus_control.connection
where workspace = %(workspace)s and name = %(name)s
    and %(etag)s in ('', '"' || revision || '"')
returning name
