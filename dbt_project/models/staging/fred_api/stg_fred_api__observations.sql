with source as (
    {{ latest_vintage(source("raw", "fred_api__observations"), ["series_id", "observed_on", "published_on"]) }}
),

renamed as (
    select
        series_id,
        observed_on as date,
        published_on,
        value,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
