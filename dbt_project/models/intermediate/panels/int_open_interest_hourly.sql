{{ config(materialized="table") }}

{#
    Open interest of Binance by hour: the archive, and the REST history for the days it has not published yet. Both stamp
    the same instants and count the same units, so where both have an hour the archive speaks, known since the first did.
#}
with archived as (
    select * from {{ ref("int_open_interest_archive_hourly") }}
),

live as (
    select * from {{ ref("stg_binance_futures__open_interest") }}
),

accounts as (
    select * from {{ ref("stg_binance_futures__account_ratios") }}
),

top_accounts as (
    select * from {{ ref("stg_binance_futures__top_trader_account_ratios") }}
),

top_positions as (
    select * from {{ ref("stg_binance_futures__top_trader_position_ratios") }}
),

takers as (
    select * from {{ ref("stg_binance_futures__taker_ratios") }}
),

assets as (
    select * from {{ ref("assets") }}
),

recent as (
    select
        assets.asset,
        live.symbol,
        {{ utc_date("live.observed_at - interval '1 hour'") }} as date,
        live.observed_at - interval '1 hour' as hour_started_at,
        live.open_interest_coin,
        live.open_interest_usd,
        top_accounts.top_trader_account_long_short_ratio,
        top_positions.top_trader_position_long_short_ratio,
        accounts.account_long_short_ratio,
        takers.taker_buy_sell_volume_ratio,
        live.available_at
    from live
    inner join assets on live.symbol = assets.perpetual_symbol
    left join accounts on live.symbol = accounts.symbol and live.observed_at = accounts.observed_at
    left join top_accounts on live.symbol = top_accounts.symbol and live.observed_at = top_accounts.observed_at
    left join top_positions on live.symbol = top_positions.symbol and live.observed_at = top_positions.observed_at
    left join takers on live.symbol = takers.symbol and live.observed_at - interval '1 hour' = takers.opened_at
),

final as (
    select
        coalesce(archived.asset, recent.asset) as asset,
        coalesce(archived.symbol, recent.symbol) as symbol,
        coalesce(archived.date, recent.date) as date,
        coalesce(archived.hour_started_at, recent.hour_started_at) as hour_started_at,
        coalesce(archived.open_interest_coin, recent.open_interest_coin) as open_interest_coin,
        coalesce(archived.open_interest_usd, recent.open_interest_usd) as open_interest_usd,
        archived.low_open_interest_coin,
        archived.high_open_interest_coin,
        coalesce(archived.top_trader_account_long_short_ratio, recent.top_trader_account_long_short_ratio)
            as top_trader_account_long_short_ratio,
        coalesce(archived.top_trader_position_long_short_ratio, recent.top_trader_position_long_short_ratio)
            as top_trader_position_long_short_ratio,
        coalesce(archived.account_long_short_ratio, recent.account_long_short_ratio) as account_long_short_ratio,
        coalesce(archived.taker_buy_sell_volume_ratio, recent.taker_buy_sell_volume_ratio) as taker_buy_sell_volume_ratio,
        case
            when archived.open_interest_coin is null and recent.open_interest_coin is not null then 1
            else coalesce(archived.reading_count, 0)
        end as reading_count,
        case
            when archived.open_interest_coin is null and recent.symbol is not null then 'binance_futures'
            else 'binance_vision'
        end as open_interest_source,
        least(archived.available_at, recent.available_at) as available_at
    from archived
    full outer join recent on archived.symbol = recent.symbol and archived.hour_started_at = recent.hour_started_at
)

select * from final
