"""Statistics of the scorecards that SQL cannot say cleanly: rank measures, resampling, matching.

Pure functions on arrays. What an event, a predictor or a rule is stands in the dbt models and seeds that call them.
"""
