-- name: prepare
create schema if not exists etlplus_control;
create table if not exists etlplus_control.migration (
    number integer primary key,
    name text not null,
    sha256 text not null,
    apply_time timestamptz not null default clock_timestamp()
)

-- name: exists
select to_regclass('etlplus_control.migration') is not null

-- name: lock
select pg_try_advisory_lock(%s)

-- name: applied
select number, name, sha256 from etlplus_control.migration order by number

-- name: limit_locks
set lock_timeout = '5s'

-- name: record
insert into etlplus_control.migration (number, name, sha256) values (%s, %s, %s)
