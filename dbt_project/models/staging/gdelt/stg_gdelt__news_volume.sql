with source as (
    {{ latest_vintage(source("raw", "gdelt__news_volume"), ["topic", "day"]) }}
),

renamed as (
    select
        topic,
        day as date,
        article_count,
        monitored_article_count,
        available_at,
        _available_basis as available_basis,
        _vintage_at as vintage_at,
        vintage_count,
        _body_sha256 as body_sha256
    from source
)

select * from renamed
