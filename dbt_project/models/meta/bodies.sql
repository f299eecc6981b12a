{#
    The archived responses that rows behind the index came from: what was asked, what came, and where it lies. One response
    may have come again with the same bytes; each time it brought rows is a line of its own.
#}
with body_days as (
    select * from {{ ref("body_days") }}
),

retrievals as (
    select * from {{ ref("stg_ops__retrievals") }}
    where outcome = 'parsed'
),

datasets as (
    select * from {{ ref("stg_ops__datasets") }}
),

used as (
    select
        table_name,
        body_sha256,
        retrieved_at,
        sum(row_count) as row_count,
        min(date) as first_date,
        max(date) as last_date
    from body_days
    group by table_name, body_sha256, retrieved_at
),

-- The same bytes at the same instant: where the clock stands still, or two requests got one answer. The first counts.
requests as (
    select *
    from (
        select
            *,
            row_number() over (partition by table_name, body_sha256, retrieved_at order by sequence) as recency
        from retrievals
    ) as ranked
    where recency = 1
),

final as (
    select
        used.table_name,
        used.body_sha256,
        used.retrieved_at,
        datasets.provider,
        datasets.dataset,
        requests.method,
        requests.url,
        requests.params,
        requests.content,
        requests.http_status,
        requests.byte_count,
        requests.sequence,
        requests.run_id,
        requests.path,
        requests.row_count as parsed_row_count,
        used.row_count,
        used.first_date,
        used.last_date
    from used
    inner join datasets on used.table_name = datasets.table_name
    left join requests
        on
            used.table_name = requests.table_name
            and used.body_sha256 = requests.body_sha256
            and used.retrieved_at = requests.retrieved_at
)

select * from final
