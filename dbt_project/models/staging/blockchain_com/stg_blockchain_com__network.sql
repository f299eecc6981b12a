with source as (
    {{ latest_vintage(source("raw", "blockchain_com__network"), ["series_id", "day"]) }}
),

renamed as (
    select
        series_id,
        day as date,
        value,
        unit,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
