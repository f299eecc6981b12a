with source as (
    {{ latest_vintage(source("raw", "okx__account_ratios"), ["asset", "opened_at"]) }}
),

renamed as (
    select
        asset,
        opened_at,
        account_long_short_ratio,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
