with source as (
    {{ latest_vintage(source("raw", "wikipedia__pageviews"), ["article", "day"]) }}
),

renamed as (
    select
        article,
        day as date,
        view_count,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
