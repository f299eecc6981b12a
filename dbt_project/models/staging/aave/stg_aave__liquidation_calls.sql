with source as (
    {{ latest_vintage(source("raw", "aave__liquidation_calls"), ["liquidated_at", "log_index"]) }}
),

renamed as (
    select
        liquidated_at,
        log_index,
        block_number,
        transaction_hash,
        collateral_token,
        collateral_symbol,
        collateral_base_units,
        collateral_decimals,
        collateral_native,
        debt_token,
        debt_symbol,
        debt_base_units,
        debt_decimals,
        debt_native,
        borrower_address,
        liquidator_address,
        is_paid_in_atokens,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
