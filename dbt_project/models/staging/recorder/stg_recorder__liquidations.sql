with source as (
    {{ latest_vintage(source("raw", "recorder__liquidations"), ["venue", "symbol", "occurred_at", "event_id"]) }}
),

renamed as (
    select
        venue,
        symbol,
        occurred_at,
        event_id,
        side,
        venue_side,
        price,
        price_kind,
        size_coin,
        size_contracts,
        size_usd,
        received_at,
        is_time_of_receipt,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
