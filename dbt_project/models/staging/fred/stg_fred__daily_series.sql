with source as (
    {{ latest_vintage(source("raw", "fred__daily_series"), ["series_id", "observed_on"]) }}
),

renamed as (
    select
        series_id,
        observed_on as date,
        value,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
