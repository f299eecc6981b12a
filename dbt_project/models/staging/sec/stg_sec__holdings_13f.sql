with source as (
    {{ latest_vintage(source("raw", "sec__holdings_13f"), ["accession_number", "cusip", "position_type", "quarter_end_date"]) }}
),

renamed as (
    select
        accession_number,
        cusip,
        position_type,
        quarter_end_date,
        filed_on,
        filer_cik,
        filer_name,
        form,
        amendment_type,
        ticker,
        value_usd,
        share_count,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
