with source as (
    {{ latest_vintage(source("raw", "alfred__vintages"), ["series_id", "observed_on", "vintage_on"]) }}
),

renamed as (
    select
        series_id,
        observed_on as date,
        vintage_on,
        value,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
