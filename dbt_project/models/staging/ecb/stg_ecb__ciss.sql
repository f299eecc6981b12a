with source as (
    {{ latest_vintage(source("raw", "ecb__ciss"), ["area", "observed_on"]) }}
),

renamed as (
    select
        area,
        observed_on as date,
        ciss_index,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
