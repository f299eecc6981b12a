with source as (
    {{ latest_vintage(source("raw", "cboe__vix"), ["session_date"]) }}
),

renamed as (
    select
        session_date,
        vix_open_pct,
        vix_high_pct,
        vix_low_pct,
        vix_close_pct,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
