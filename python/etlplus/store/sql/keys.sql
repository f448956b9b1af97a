-- name: add
insert into etlplus_control.key (name, value) values (%(name)s, %(value)s)
on conflict (name) do nothing

-- name: get
select value from etlplus_control.key where name = %(name)s
