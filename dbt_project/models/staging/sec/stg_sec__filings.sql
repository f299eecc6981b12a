with source as (
    {{ latest_vintage(source("raw", "sec__filings"), ["cik", "accession_number", "filed_on"]) }}
),

renamed as (
    select
        cik,
        accession_number,
        filed_on,
        filer_name,
        form,
        items,
        report_on,
        accepted_at,
        document_url,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
