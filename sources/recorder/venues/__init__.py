"""Every recorded feed, one module per venue, found by walking this folder: a new module is all it takes to be in."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from sources.recorder.stream import Stream


def _walk() -> dict[str, Stream]:
    found: dict[str, Stream] = {}
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        for stream in importlib.import_module(f"{__name__}.{info.name}").STREAMS:
            if stream.venue.name != info.name:
                raise ValueError(f"{stream.label} is declared in {info.name}.py: one file per venue")
            if stream.label in found:
                raise ValueError(f"stream {stream.label} is declared twice")
            found[stream.label] = stream
    return found


STREAMS: Mapping[str, Stream] = MappingProxyType(_walk())
"""Every stream by `<venue>/<name>`."""
