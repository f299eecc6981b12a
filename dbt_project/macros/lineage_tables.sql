{#
    The raw tables that inputs of the index are made of: the instant that says which day a row belongs to, and the column
    that tells series apart where an input reads one of them. What closes a day is stamped with the midnight after it.
#}
{% macro lineage_tables() -%}
    {{ return([
        {"table": "aave__liquidation_calls", "instant": "liquidated_at", "series": none},
        {"table": "bgeometrics__lth_supply", "instant": "day", "series": none},
        {"table": "bgeometrics__sth_sopr", "instant": "day", "series": none},
        {"table": "binance_futures__funding_rates", "instant": "settled_at", "series": none},
        {"table": "binance_futures__open_interest", "instant": "observed_at - interval '1 hour'", "series": none},
        {"table": "binance_vision__spot_klines", "instant": "opened_at", "series": "symbol"},
        {"table": "binance_vision__um_book_depth", "instant": "snapshot_at", "series": none},
        {"table": "binance_vision__um_funding_rates", "instant": "settled_at", "series": none},
        {"table": "binance_vision__um_index_klines", "instant": "opened_at", "series": none},
        {"table": "binance_vision__um_metrics", "instant": "period_ended_at - interval '1 microsecond'", "series": none},
        {"table": "bitstamp__spot_candles", "instant": "opened_at", "series": none},
        {"table": "coinbase__spot_candles", "instant": "opened_at", "series": none},
        {"table": "coinmetrics__asset_metrics", "instant": "day", "series": "asset"},
        {"table": "coinmetrics__breadth_prices", "instant": "day", "series": none},
        {"table": "defillama__chains_tvl", "instant": "day", "series": none},
        {"table": "defillama__hacks", "instant": "hacked_on", "series": none},
        {"table": "defillama__stablecoin_prices", "instant": "day", "series": none},
        {"table": "defillama__stablecoin_supply", "instant": "day", "series": none},
        {"table": "defillama__tvl", "instant": "day", "series": none},
        {"table": "deribit__dvol", "instant": "day", "series": none},
        {"table": "farside__etf_flows", "instant": "session_date", "series": "asset"},
        {"table": "fred__daily_series", "instant": "observed_on", "series": "series_id"},
        {"table": "fred__weekly_series", "instant": "observed_on", "series": "series_id"},
        {"table": "gate__contract_stats", "instant": "opened_at", "series": none},
        {"table": "kraken_futures__liquidation_volume", "instant": "opened_at", "series": none},
        {"table": "kraken_futures__open_interest", "instant": "opened_at", "series": none},
    ]) }}
{%- endmacro %}
