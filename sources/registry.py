"""All datasets, found by walking `providers/`: a new provider file is all it takes to be in."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from sources import providers
from sources.dataset import Dataset, Provider


def _walk() -> dict[str, Dataset]:
    found: dict[str, Dataset] = {}
    for module_info in sorted(pkgutil.iter_modules(providers.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{providers.__name__}.{module_info.name}")
        datasets = getattr(module, "DATASETS", None)
        if not datasets:
            raise ValueError(f"sources/providers/{module_info.name}.py declares no DATASETS")
        for dataset in datasets:
            if dataset.provider.name != module_info.name:
                raise ValueError(f"{dataset.table} is declared in {module_info.name}.py: one file per provider")
            if dataset.table in found:
                raise ValueError(f"dataset {dataset.table} is declared twice")
            found[dataset.table] = dataset
    return found


DATASETS: Mapping[str, Dataset] = MappingProxyType(_walk())
"""Every dataset by its table name, in alphabetical order of providers."""

PROVIDERS: Mapping[str, Provider] = MappingProxyType({d.provider.name: d.provider for d in DATASETS.values()})
"""Every provider by name."""
