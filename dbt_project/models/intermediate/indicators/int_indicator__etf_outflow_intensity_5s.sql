{# F2: net outflow of the US spot Bitcoin funds over five sessions in per cent of the assets they started from. #}
with sessions as (
    select * from {{ ref("int_etf_flow_sessions") }}
    where asset = 'btc'
),

windows as (
    select
        session_date,
        sum(net_flow_usd) over last_five as flow_usd,
        count(net_flow_usd) over last_five as flow_count,
        max(available_at) over last_five as available_at,
        max(assets_usd) over five_before as opening_assets_usd
    from sessions
    window
        last_five as (order by session_number range between 4 preceding and current row),
        five_before as (order by session_number range between 5 preceding and 5 preceding)
),

final as (
    select
        session_date as observed_date,
        case when flow_count = 5 then -100.0 * flow_usd / nullif(opening_assets_usd, 0) end as value,
        available_at
    from windows
)

select * from final
