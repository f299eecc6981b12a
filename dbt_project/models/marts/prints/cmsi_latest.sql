{# The newest computation of every day beside its first print. #}
{{ config(materialized="view") }}

with latest as (
    select * from {{ ref("stress_index_daily") }}
),

prints as (
    select * from {{ ref("stress_index_prints") }}
),

final as (
    select
        coalesce(prints.date, latest.date) as date,
        latest.cmsi,
        latest.status,
        latest.coverage,
        latest.regime,
        latest.method_version,
        prints.cmsi as first_cmsi,
        prints.status as first_status,
        prints.coverage as first_coverage,
        prints.regime as first_regime,
        prints.method_version as first_method_version,
        prints.basis as first_basis,
        prints.printed_at as first_printed_at,
        latest.cmsi - prints.cmsi as difference,
        latest.cmsi is null
        or coalesce(abs(latest.cmsi - prints.cmsi) > {{ var("restated_above") }}, false) as is_restated
    from latest
    full outer join prints on latest.date = prints.date
)

select * from final
