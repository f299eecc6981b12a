{#
    L9: what a market sell of one million dollars costs against mid on the perpetuals of Kraken, median over the hourly
    looks of the day. A book that cannot take the order counts as dearer than any that can: leaving such hours out would
    make the emptiest book look cheap. Where half the looks are such, there is no value. A day needs 20 looks.
#}
with quotes as (
    select * from {{ ref("int_kraken_quotes_hourly") }}
),

looks as (
    select
        date,
        asset,
        case when is_fillable then slip_1m_bp else 1e9 end as cost_bp,
        fill_available_at
    from quotes
    where is_fillable is not null
),

days as (
    select
        date,
        asset,
        percentile_disc(0.5) within group (order by cost_bp) as cost_bp,
        count(*) as look_count,
        max(fill_available_at) as available_at
    from looks
    group by date, asset
),

final as (
    select
        date as observed_date,
        asset as scope,
        case when look_count >= 20 and cost_bp < 1e9 then cost_bp end as value,
        available_at
    from days
)

select * from final
