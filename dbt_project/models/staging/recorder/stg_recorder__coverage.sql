with source as (
    {{ latest_vintage(source("raw", "recorder__coverage"), ["venue", "stream", "started_at"]) }}
),

renamed as (
    select
        venue,
        stream,
        started_at,
        ended_at,
        status,
        reason,
        message_count,
        kept_message_count,
        unread_message_count,
        symbols,
        coverage_class,
        coverage_class_reason,
        coverage_class_since_date,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
