"""What `dagster dev` loads: no network, no secrets, nothing but the registry and the parsed dbt project."""

from orchestration.automation import build_definitions

defs = build_definitions()
