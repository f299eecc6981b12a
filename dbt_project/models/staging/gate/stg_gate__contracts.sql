with source as (
    {{ latest_vintage(source("raw", "gate__contracts"), ["symbol", "observed_at"]) }}
),

renamed as (
    select
        symbol,
        observed_at,
        contract_size_coin,
        interval_hours,
        funding_rate,
        mark_price,
        index_price,
        is_delisting,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
