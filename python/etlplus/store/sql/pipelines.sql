-- An etag is the row's revision in double quotes; an empty one given by a caller matches every row.

-- name: create
with made as (
    insert into etlplus_control.pipeline (workspace, name, version)
    values (%(workspace)s, %(name)s, 1)
    on conflict (workspace, name) do update set
        version = pipeline.version + 1,
        revision = pipeline.revision + 1,
        create_time = clock_timestamp(),
        update_time = clock_timestamp(),
        delete_time = null
    where pipeline.delete_time is not null
    returning *
), content as (
    insert into etlplus_control.pipeline_version
        (workspace, pipeline, version, spec, source_text, author, message, content_hash, create_time)
    select workspace, name, version, %(spec)s, %(source_text)s, %(author)s, %(message)s,
        %(content_hash)s, update_time
    from made
    returning spec, source_text, author, message, content_hash
)
select made.*, content.* from made cross join content

-- name: update
with made as (
    update etlplus_control.pipeline set
        version = version + 1,
        revision = revision + 1,
        update_time = clock_timestamp()
    where workspace = %(workspace)s and name = %(name)s and delete_time is null
        and %(etag)s in ('', '"' || revision || '"')
    returning *
), content as (
    insert into etlplus_control.pipeline_version
        (workspace, pipeline, version, spec, source_text, author, message, content_hash, create_time)
    select workspace, name, version, %(spec)s, %(source_text)s, %(author)s, %(message)s,
        %(content_hash)s, update_time
    from made
    returning spec, source_text, author, message, content_hash
)
select made.*, content.* from made cross join content

-- name: get
select pipeline.*, content.spec, content.source_text, content.author, content.message,
    content.content_hash,
    schedule.definition, schedule.anchor, schedule.next_time, schedule.paused, schedule.last_time,
    schedule.last_job, schedule.error,
    held.pipeline is not null as triggered
from etlplus_control.pipeline
join etlplus_control.pipeline_version as content
    on content.workspace = pipeline.workspace and content.pipeline = pipeline.name
    and content.version = pipeline.version
left join etlplus_control.schedule
    on schedule.workspace = pipeline.workspace and schedule.pipeline = pipeline.name
left join etlplus_control.pipeline_trigger as held
    on held.workspace = pipeline.workspace and held.pipeline = pipeline.name
where pipeline.workspace = %(workspace)s and pipeline.name = %(name)s
    and pipeline.delete_time is null

-- name: get_version
select * from etlplus_control.pipeline_version
where workspace = %(workspace)s and pipeline = %(name)s and version = %(version)s

-- name: list
select pipeline.*, ''::bytea as spec, '' as source_text, content.author, content.message,
    content.content_hash,
    schedule.definition, schedule.anchor, schedule.next_time, schedule.paused, schedule.last_time,
    schedule.last_job, schedule.error,
    held.pipeline is not null as triggered
from etlplus_control.pipeline
join etlplus_control.pipeline_version as content
    on content.workspace = pipeline.workspace and content.pipeline = pipeline.name
    and content.version = pipeline.version
left join etlplus_control.schedule
    on schedule.workspace = pipeline.workspace and schedule.pipeline = pipeline.name
left join etlplus_control.pipeline_trigger as held
    on held.workspace = pipeline.workspace and held.pipeline = pipeline.name
where pipeline.workspace = %(workspace)s and pipeline.name > %(after)s
    and pipeline.delete_time is null
order by pipeline.name
limit %(limit)s

-- name: list_versions
select workspace, pipeline, version, ''::bytea as spec, '' as source_text, author, message,
    content_hash, create_time
from etlplus_control.pipeline_version
where workspace = %(workspace)s and pipeline = %(name)s
    and version < coalesce(%(before)s::integer, 2147483647)
order by version desc
limit %(limit)s

-- name: delete
update etlplus_control.pipeline set
    revision = revision + 1, update_time = clock_timestamp(), delete_time = clock_timestamp()
where workspace = %(workspace)s and name = %(name)s and delete_time is null
    and %(etag)s in ('', '"' || revision || '"')
returning name
