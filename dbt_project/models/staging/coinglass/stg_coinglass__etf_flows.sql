{# A fund without a flow has not reported, or had none; it becomes known when the vendor gives a figure. #}
with source as (
    {{ latest_vintage(source("raw", "coinglass__etf_flows"), ["asset", "day", "ticker"], known_when="net_flow_usd is not null") }}
),

renamed as (
    select
        asset,
        day as date,
        ticker,
        net_flow_usd,
        price_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
