"""The simulated providers: pure functions from a request and the market at an instant to a response.

One module per provider, found by walking this folder; each has `HOSTS`, the hosts it answers for, and
`answer(ask, scene)`. A provider without a module does not exist in the simulated market, and its datasets are left out.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sources.simulator.answers.scene import Answer, Ask, Scene

_Answering = tuple[str, Callable[[Ask, Scene], Answer]]


def _walk() -> dict[str, _Answering]:
    found: dict[str, _Answering] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        if info.name == "scene":
            continue
        module = importlib.import_module(f"{__name__}.{info.name}")
        for host in module.HOSTS:
            if host in found:
                raise ValueError(f"two simulated providers answer for {host}: {found[host][0]} and {info.name}")
            found[host] = (info.name, module.answer)
    return found


HOSTS: Mapping[str, _Answering] = MappingProxyType(_walk())
"""Provider and answering function by host."""

PROVIDERS: frozenset[str] = frozenset(name for name, _ in HOSTS.values())
"""Names of the providers that answer."""

__all__ = ["HOSTS", "PROVIDERS", "Answer", "Ask", "Scene"]
