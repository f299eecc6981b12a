{#
    F8: what the market pays for a company over the value of its coins, as the company publishes it; below one, issuing
    shares to buy coins takes from the holders. The company changed its definition in July 2026.
#}
with snapshots as (
    select * from {{ ref("stg_strategy__bitcoin_kpis") }}
),

newest as (
    select
        company,
        {{ utc_date("observed_at") }} as date,
        max(observed_at) as observed_at
    from snapshots
    group by company, {{ utc_date("observed_at") }}
),

final as (
    select
        newest.date as observed_date,
        lower(newest.company) as scope,
        snapshots.mnav_ratio as value,
        snapshots.available_at
    from newest
    inner join snapshots on newest.company = snapshots.company and newest.observed_at = snapshots.observed_at
)

select * from final
