"""A warehouse filled with noise: no story, many holes.

The index maths must hold on anything, so this market has what real ones have on their worst days: missing days,
missing hours, ties, zeros, an input that stops for weeks, one that starts late. Five years of it, so that the trailing
window also lets go of its oldest observations.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.settings import Settings
from orchestration.warehouse import Warehouse
from sources.market import Market, open_market
from sources.registry import DATASETS

FIRST, LAST = "2020-06-01", "2025-12-05"
_VENUES_SINCE = "2025-06-01"
# An index input needs whole days of Gate, and enough of them; in one month hardly a day is whole.
_GATE_SINCE = "2023-06-01"
_GATE_HOLES = "case when moment between '2025-06-01' and '2025-07-01' then 0.02 else 0.0005 end"
# Series come from the table function: a condition on random() would be asked once, below an unnested list.
_DAYS = (
    "(select cast(moment as date) as day "
    f"from generate_series(date '{FIRST}', date '{LAST}', interval '1 day') as days(moment))"
)


def _instants(step: str, offset: str = "0 hours", since: str = FIRST) -> str:
    return (
        f"(select moment from generate_series(timestamptz '{since} 00:00:00+00' + interval '{offset}', "
        f"timestamptz '{LAST} 23:59:00+00', interval '{step}') as instants(moment))"
    )


_TABLES: dict[str, tuple[str, str]] = {
    "coinmetrics__asset_metrics": (
        f"""select asset, day, 30000 * exp(0.3 * sin(epoch(day) / 8e6) + 0.05 * random()) as price_usd,
            1e12 as market_cap_usd, 2.0 as mvrv_ratio, 1e9 * random() as flow_in_exchange_usd,
            1e9 * random() as flow_out_exchange_usd, 2e6 + 1e4 * random() as exchange_supply_native
        from {_DAYS}, (values ('btc'), ('eth')) as assets(asset) where random() > 0.01""",
        "cast(day as timestamptz) + interval '30 hours'",
    ),
    "farside__etf_flows": (
        f"""select 'btc' as asset, day as session_date, ticker,
            case when random() > 0.01 then 1e8 * (random() - 0.5) end as net_flow_usd
        from {_DAYS}, (values ('IBIT'), ('GBTC')) as funds(ticker)
        where day >= '2024-01-11' and isodow(day) <= 5""",
        "cast(session_date as timestamptz) + interval '29 hours'",
    ),
    "defillama__stablecoin_supply": (
        f"""select stablecoin_id, symbol, day, 'peggedUSD' as peg_type,
            1e10 * (1 + random() * 0.01) as circulating_units
        from {_DAYS}, (values ('1', 'USDT'), ('2', 'USDC'), ('146', 'USDe')) as coins(stablecoin_id, symbol)""",
        "cast(day as timestamptz) + interval '26 hours'",
    ),
    "defillama__stablecoin_prices": (
        f"""select coin, day, case when random() < 0.6 then 1.0 else 1 - 0.002 * random() end as price_usd
        from {_DAYS}, (values ('tether'), ('usd-coin'), ('ethena-usde')) as coins(coin) where random() > 0.005""",
        "cast(day as timestamptz) + interval '26 hours'",
    ),
    "defillama__hacks": (
        f"""select day as hacked_on, 'victim ' || day as name, 'x' as technique, 1e7 * random() as loss_usd
        from {_DAYS} where random() > 0.95""",
        "cast(hacked_on as timestamptz) + interval '36 hours'",
    ),
    "defillama__tvl": (
        f"select day, 1e11 * (1 + random()) as tvl_usd from {_DAYS}",
        "cast(day as timestamptz) + interval '26 hours'",
    ),
    "defillama__chains_tvl": (
        f"select 'Ethereum' as chain, day, 6e10 * (1 + random()) as tvl_usd from {_DAYS} where random() > 0.01",
        "cast(day as timestamptz) + interval '26 hours'",
    ),
    "aave__liquidation_calls": (
        f"""select moment as liquidated_at, 1 as log_index, 'WETH' as collateral_symbol,
            case when random() > 0.02 then 'USDC' end as debt_symbol, 1e5 * random() as debt_native,
            1e3 * random() as collateral_native
        from {_instants("6 hours", "11 minutes")} where random() > 0.8""",
        "liquidated_at + interval '20 minutes'",
    ),
    "binance_vision__spot_klines": (
        f"""select symbol, moment as opened_at, moment + interval '1 hour' as closed_at, level as open_price,
            level * (1.01 + 0.01 * random()) as high_price, level * (0.99 - 0.01 * random()) as low_price,
            level * (1 + 0.01 * (random() - 0.5)) as close_price, 1.0 as volume_base,
            1e8 * (1 + random()) as volume_quote
        from {_instants("1 hour")},
            (values ('BTCUSDT', 100.0), ('ETHUSDT', 100.0), ('USDCUSDT', 1.0)) as symbols(symbol, level)
        where random() > 0.001""",
        "opened_at + interval '65 minutes'",
    ),
    "binance_vision__um_metrics": (
        f"""select symbol, moment as period_ended_at, 1e5 * (1 + 0.1 * random()) as open_interest_coin,
            5e9 * (1 + random()) as open_interest_usd
        from {_instants("1 hour", "1 hour")}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol)
        where cast(moment as date) not between '2025-03-01' and '2025-03-20'""",
        "period_ended_at + interval '5 minutes'",
    ),
    "binance_vision__um_funding_rates": (
        f"""select symbol, moment as settled_at, 1e-4 * (random() - 0.4) as funding_rate, 8 as interval_hours
        from {_instants("8 hours")}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol)
        where moment < '2025-11-01'""",
        "settled_at + interval '5 minutes'",
    ),
    "binance_futures__funding_rates": (
        f"""select symbol, moment as settled_at, 1e-4 * (random() - 0.4) as funding_rate
        from {_instants("8 hours")}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol)
        where moment > '2025-10-01'""",
        "settled_at + interval '6 minutes'",
    ),
    "binance_vision__um_book_depth": (
        f"""select symbol, moment as snapshot_at, band as band_pct, 1e3 * abs(band) as depth_coin,
            1e5 * abs(band) * (1 + band * 0.005) * (1 + 0.0001 * random()) as depth_usd
        from {_instants("1 hour", since="2023-01-01")}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol),
            (values (-4.0), (-1.0), (1.0), (4.0)) as bands(band)""",
        "snapshot_at + interval '5 minutes'",
    ),
    "fred__daily_series": (
        f"""select series_id, day as observed_on, 4 * exp(0.2 * random()) as value
        from {_DAYS}, (values ('VIXCLS'), ('DGS2'), ('BAA10Y')) as series(series_id)
        where isodow(day) <= 5 and random() > 0.03
            and not (series_id = 'DGS2' and day between '2024-05-01' and '2024-06-10')""",
        "cast(observed_on as timestamptz) + interval '45 hours'",
    ),
    "fred__weekly_series": (
        f"select 'DTWEXBGS' as series_id, day as observed_on, 120 * exp(0.01 * random()) as value from {_DAYS} "
        "where isodow(day) <= 5",
        "cast(date_trunc('week', observed_on) as timestamptz) + interval '7 days' + interval '21 hours'",
    ),
    "alternative_me__fear_greed": (
        f"select day, cast(100 * random() as bigint) as fear_greed_index, 'Fear' as classification from {_DAYS}",
        "cast(day as timestamptz) + interval '15 minutes'",
    ),
    "bgeometrics__lth_supply": (
        f"select day, 1.4e7 * (1 + 0.01 * random()) as lth_supply_btc from {_DAYS} where random() > 0.01",
        "cast(day as timestamptz) + interval '36 hours'",
    ),
    "bgeometrics__sth_sopr": (
        f"select day, 1 + 0.05 * (random() - 0.4) as sth_sopr_ratio from {_DAYS}",
        "cast(day as timestamptz) + interval '36 hours'",
    ),
    "deribit__dvol": (
        f"""select currency, day, 60 * exp(0.2 * random()) as dvol_close_pct
        from {_DAYS}, (values ('BTC'), ('ETH')) as currencies(currency) where day >= '2021-03-24'""",
        "cast(day as timestamptz) + interval '1445 minutes'",
    ),
    # What venues are compared by. The REST history of Binance begins in the hole of its archive and overlaps it.
    "binance_futures__open_interest": (
        f"""select symbol, moment as observed_at, 1e5 * (1 + 0.1 * random()) as open_interest_coin,
            5e9 * (1 + random()) as open_interest_usd
        from {_instants("1 hour", since="2025-03-17")}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol)
        where moment < '2025-04-05' and random() > 0.01""",
        "observed_at + interval '6 minutes'",
    ),
    "bybit__open_interest": (
        f"""select symbol, moment as observed_at, 1e5 * (1 + random()) as open_interest_double_sided_coin,
            case when moment > '2025-07-01' then 5e4 * (1 + random()) end as open_interest_coin
        from {_instants("1 hour", since=_VENUES_SINCE)}, (values ('BTCUSDT'), ('ETHUSDT')) as symbols(symbol)
        where random() > 0.1""",
        "observed_at + interval '5 minutes'",
    ),
    "okx__open_interest": (
        f"""select symbol, moment as observed_at, 1e6 as open_interest_contracts, 1e4 as open_interest_coin,
            5e8 * (1 + random()) as open_interest_usd
        from {_instants("3 hours", since=_VENUES_SINCE)},
            (values ('BTC-USDT-SWAP'), ('DOGE-USDT-SWAP')) as symbols(symbol)
        where random() > 0.2""",
        "observed_at",
    ),
    "gate__contract_stats": (
        f"""select symbol, moment as opened_at, 5e8 * (1 + random()) as open_interest_contracts,
            case when random() > 0.05 then 5e9 * (1 + random()) end as open_interest_usd,
            case when random() > 0.3 then 1e6 * random() else 0 end as long_liquidations_usd,
            case when random() > {_GATE_HOLES} then 1e6 * random() end as short_liquidations_usd
        from {_instants("1 hour", since=_GATE_SINCE)}, (values ('BTC_USDT'), ('ETH_USDT')) as symbols(symbol)
        where random() > {_GATE_HOLES}""",
        "opened_at + interval '63 minutes'",
    ),
    "kraken_futures__open_interest": (
        f"""select symbol, moment as opened_at, 1e3 * (1 + random()) as open_interest_close_contracts
        from {_instants("1 hour", since=_VENUES_SINCE)}, (values ('PF_XBTUSD'), ('PI_XBTUSD')) as symbols(symbol)
        where random() > 0.02""",
        "opened_at + interval '65 minutes'",
    ),
    "kraken_futures__liquidation_volume": (
        f"""select symbol, moment as opened_at, 10 * random() as liquidations_contracts
        from {_instants("1 hour", since=_VENUES_SINCE)}, (values ('PF_XBTUSD'), ('PI_XBTUSD')) as symbols(symbol)
        where random() > 0.5""",
        "opened_at + interval '65 minutes'",
    ),
    "deribit__book_summary": (
        f"""select symbol, moment as observed_at, 'future' as kind, 'btc' as asset, 1e9 * random() as open_interest_usd
        from {_instants("1 day", "8 hours", since=_VENUES_SINCE)},
            (values ('BTC-PERPETUAL'), ('BTC-27MAR26')) as symbols(symbol) where random() > 0.1""",
        "observed_at",
    ),
    "hyperliquid__asset_contexts": (
        f"""select symbol, moment as observed_at, 2e4 * (1 + random()) as open_interest_coin
        from {_instants("1 hour", since=_VENUES_SINCE)}, (values ('BTC'), ('ETH')) as symbols(symbol)
        where random() > 0.2""",
        "observed_at",
    ),
    "bybit__funding_rates": (
        f"""select 'BTCUSDT' as symbol, moment as settled_at, 1e-4 * (random() - 0.4) as funding_rate
        from {_instants("8 hours", since=_VENUES_SINCE)} where random() > 0.3""",
        "settled_at + interval '5 minutes'",
    ),
    "okx__funding_rates": (
        f"""select 'ETH-USDT-SWAP' as symbol, moment as settled_at,
            case when random() > 0.2 then 1e-4 * (random() - 0.4) end as funding_rate
        from {_instants("4 hours", since=_VENUES_SINCE)}""",
        "settled_at + interval '5 minutes'",
    ),
    "bitmex__funding_rates": (
        f"""select 'XBTUSD' as symbol, moment as settled_at, 8.0 as interval_hours,
            1e-4 * (random() - 0.4) as funding_rate from {_instants("8 hours", "4 hours", since=_VENUES_SINCE)}""",
        "settled_at + interval '5 minutes'",
    ),
    "hyperliquid__funding_rates": (
        f"""select 'BTC' as symbol, moment as settled_at, 1.0 as interval_hours, 1e-5 * random() as funding_rate
        from {_instants("1 hour", since=_VENUES_SINCE)} where random() > 0.02""",
        "settled_at",
    ),
    "bitfinex__liquidations": (
        f"""select 'tBTCF0:USTF0' as symbol, cast(epoch(moment) as bigint) as position_id, moment as liquidated_at,
            is_executed, 2 * (random() - 0.5) as amount_coin
        from {_instants("5 hours", since=_VENUES_SINCE)}, (values (true), (false)) as stages(is_executed)
        where random() > 0.5""",
        "liquidated_at",
    ),
    "okx__liquidations": (
        f"""select 'BTC-USDT-SWAP' as symbol, moment as occurred_at, position_side, 5e4 as bankruptcy_price,
            1 + 9 * random() as size_contracts, 2 as liquidation_count
        from {_instants("7 hours", since=_VENUES_SINCE)}, (values ('long'), ('short')) as sides(position_side)
        where random() > 0.3""",
        "occurred_at + interval '5 minutes'",
    ),
    "coinglass__liquidations": (
        f"""select asset, day, 1e8 * random() as long_liquidations_usd, 1e8 * random() as short_liquidations_usd
        from {_DAYS}, (values ('btc'), ('sol')) as assets(asset) where day >= '{_VENUES_SINCE}'""",
        "cast(day as timestamptz) + interval '25 hours'",
    ),
    "coinglass__open_interest": (
        f"""select 'btc' as asset, day, 2e10 * (1 + random()) as open_interest_usd
        from {_DAYS} where day >= '{_VENUES_SINCE}' and random() > 0.1""",
        "cast(day as timestamptz) + interval '25 hours'",
    ),
    "coinglass__etf_flows": (
        f"""select 'btc' as asset, day, 'all' as ticker,
            case when random() > 0.2 then 1e8 * random() end as net_flow_usd
        from {_DAYS} where day >= '{_VENUES_SINCE}'""",
        "cast(day as timestamptz) + interval '29 hours'",
    ),
    # Prices by venue and the breadth of the market; coins come and go, and a venue is silent now and then.
    "coinbase__spot_candles": (
        f"""select symbol, moment as opened_at, level * (1 + 0.001 * (random() - 0.5)) as close_price
        from {_instants("1 hour", since="2023-01-01")},
            (values ('BTC-USD', 100.0), ('ETH-USD', 100.0), ('USDT-USD', 1.0)) as symbols(symbol, level)
        where random() > 0.005""",
        "opened_at + interval '65 minutes'",
    ),
    "bitstamp__spot_candles": (
        f"""select symbol, moment as opened_at, level * (1 + 0.001 * (random() - 0.5)) as close_price
        from {_instants("1 hour", since="2023-01-01")},
            (values ('btcusd', 100.0), ('usdtusd', 1.0), ('usdcusd', 1.0)) as symbols(symbol, level)
        where random() > 0.005 and cast(moment as date) not between '2025-02-01' and '2025-02-03'
            and cast(moment as date) <> '2025-10-20'""",
        "opened_at + interval '65 minutes'",
    ),
    "coinmetrics__breadth_prices": (
        f"""select 'coin ' || number as asset, day, 10 * exp(0.4 * random()) as price_usd,
            case when random() > 0.02 then 1e9 * random() end as market_cap_usd
        from {_DAYS}, (select number from generate_series(1, 30) as numbers(number))
        where random() > 0.01 and not (number > 25 and day < '2022-01-01')""",
        "cast(day as timestamptz) + interval '32 hours'",
    ),
}


def fill(settings: Settings) -> Path:
    """Make the warehouse of `settings` and fill its raw tables; the same noise every time."""
    market: Market = open_market("simulated")
    warehouse = Warehouse(settings)
    warehouse.prepare(market, DATASETS.values())
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.sql("set TimeZone = 'UTC'")
        connection.sql("set threads = 1")
        connection.sql("select setseed(0.42)").fetchall()
        for table, (rows, available_at) in _TABLES.items():
            connection.sql(f"""
                insert into raw.{table} by name
                select *, timestamptz '2025-12-06 01:00:00+00' as _vintage_at, {available_at} as _available_at,
                    'assumed' as _available_basis, 'noise' as _body_sha256, 'noise' as _run_id
                from ({rows})
            """)
        connection.sql("""
            insert into ops.landings by name
            select 'noise' as run_id, table_name, timestamptz '2020-06-01 00:00:00+00' as window_start,
                timestamptz '2025-12-06 01:00:00+00' as window_end, timestamptz '2025-12-06 01:00:00+00' as landed_at,
                'landed' as status
            from ops.datasets
        """)
    return settings.warehouse_path
