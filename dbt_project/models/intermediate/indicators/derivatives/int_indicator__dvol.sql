{# D11: what options price for the next 30 days, Deribit's index at the close of the day. #}
with dvol as (
    select * from {{ ref("stg_deribit__dvol") }}
),

assets as (
    select * from {{ ref("assets") }}
),

final as (
    select
        dvol.date as observed_date,
        assets.asset as scope,
        dvol.dvol_close_pct as value,
        dvol.available_at
    from dvol
    inner join assets on dvol.currency = assets.dvol_currency
)

select * from final
