with source as (
    {{ latest_vintage(source("raw", "cboe__volatility_indices"), ["symbol", "session_date"]) }}
),

renamed as (
    select
        symbol,
        session_date,
        close_pct,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
