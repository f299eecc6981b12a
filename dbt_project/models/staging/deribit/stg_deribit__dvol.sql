with source as (
    {{ latest_vintage(source("raw", "deribit__dvol"), ["currency", "day"]) }}
),

renamed as (
    select
        currency,
        day as date,
        dvol_open_pct,
        dvol_high_pct,
        dvol_low_pct,
        dvol_close_pct,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
