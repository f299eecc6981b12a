with source as (
    {{ latest_vintage(source("raw", "alternative_me__fear_greed"), ["day"]) }}
),

renamed as (
    select
        day as date,
        fear_greed_index,
        classification,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
