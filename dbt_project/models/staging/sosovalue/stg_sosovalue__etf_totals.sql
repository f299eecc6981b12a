{# A session without a flow is pending; it becomes known when the issuers have reported. #}
with source as (
    {{ latest_vintage(source("raw", "sosovalue__etf_totals"), ["asset", "session_date"], known_when="net_flow_usd is not null") }}
),

renamed as (
    select
        asset,
        session_date,
        net_flow_usd,
        cumulative_net_flow_usd,
        net_assets_usd,
        value_traded_usd,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
