with source as (
    {{ latest_vintage(source("raw", "defillama__hacks"), ["hacked_on", "name", "technique"]) }}
),

renamed as (
    select
        hacked_on,
        name,
        technique,
        classification,
        target_type,
        chains,
        loss_usd,
        returned_usd,
        is_bridge,
        source_url,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
