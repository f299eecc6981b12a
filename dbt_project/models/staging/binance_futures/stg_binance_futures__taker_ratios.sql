with source as (
    {{ latest_vintage(source("raw", "binance_futures__taker_ratios"), ["symbol", "opened_at"]) }}
),

renamed as (
    select
        symbol,
        opened_at,
        taker_buy_sell_volume_ratio,
        taker_buy_volume_base,
        taker_sell_volume_base,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
