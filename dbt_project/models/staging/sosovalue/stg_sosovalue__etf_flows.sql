{# A pending session is a row without a flow; it becomes known when the issuer reports. #}
with source as (
    {{ latest_vintage(source("raw", "sosovalue__etf_flows"), ["asset", "session_date", "ticker"], known_when="net_flow_usd is not null") }}
),

renamed as (
    select
        asset,
        session_date,
        ticker,
        net_flow_usd,
        cumulative_net_flow_usd,
        net_assets_usd,
        premium_ratio,
        value_traded_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
