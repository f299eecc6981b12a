"""What leaves the house: the published DuckDB file, its Parquet copy, and how readers find them."""
