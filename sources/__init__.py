"""What Undertow takes from the world: descriptors, fetching, parsing, archiving, and a simulated world to practise on.

Pure Python. Nothing here knows Dagster, DuckDB or dbt (a lint rule and a test hold that): when and where things run
is `orchestration`, what they mean is `dbt_project`.
"""
