"""The simulated data API of the European Central Bank: the daily CISS of areas joined by `+`, as CSV."""

from __future__ import annotations

from datetime import date

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene, as_json, not_found
from sources.simulator.calendars import new_york, sessions_after
from sources.simulator.macro import strain, trailing_mean

HOSTS = ("data-api.ecb.europa.eu",)
_HEADING = "KEY,FREQ,REF_AREA,CURRENCY,PROVIDER_FM,INSTRUMENT_FM,PROVIDER_FM_ID,DATA_TYPE_FM,TIME_PERIOD,OBS_VALUE"
_PREFIX, _SUFFIX = "/service/data/CISS/D.", ".Z0Z.4F.EC.SS_CIN.IDX"
_AREAS = {"U2": (-3.1, 1.15, 3), "US": (-3.6, 1.4, 1), "GB": (-3.2, 1.1, 5), "CN": (-2.6, 0.5, 15)}
"""Level in calm, what strain does to it, and over how many days it is felt."""


def answer(ask: Ask, scene: Scene) -> Answer:
    if not ask.path.startswith(_PREFIX) or not ask.path.endswith(_SUFFIX):
        return _no_match(ask) if ask.path.startswith("/service/data/") else not_found(ask)
    asked = ask.path.removeprefix(_PREFIX).removesuffix(_SUFFIX).split("+")
    if ask.params.get("format") != "csvdata":
        return as_json({"title": "Not Acceptable", "status": 406, "detail": "the simulation speaks csvdata"}, 406)
    try:
        first = date.fromisoformat(ask.params.get("startPeriod", "1980-01-01"))
        last = date.fromisoformat(ask.params.get("endPeriod", "9999-12-31"))
        newest = int(ask.params.get("lastNObservations", "0"))
    except ValueError:
        return as_json({"type": ask.path, "title": "Bad Request", "status": 400, "detail": "no such period"}, 400)
    lines = [
        line
        for area, known in _AREAS.items()
        if area in asked
        for line in _lines(area, known, scene, first, last)[-newest:]
    ]
    if not lines:
        return _no_match(ask)
    heading = _HEADING + (",new_field" if scene.has_new_column else "")
    return Answer(200, "application/vnd.sdmx.data+csv;version=1.0.0", ("\n".join([heading, *lines]) + "\n").encode())


def _no_match(ask: Ask) -> Answer:
    detail = "No Series was returned for the query"
    return as_json({"type": ask.path, "title": "Not Found", "status": 404, "detail": detail}, 404)


def _lines(area: str, known: tuple[float, float, int], scene: Scene, first: date, last: date) -> list[str]:
    calm, slope, days_felt = known
    values = 1.0 / (1.0 + np.exp(-(calm + slope * trailing_mean(strain(scene.state), days_felt))))
    prefix = f"CISS.D.{area}.Z0Z.4F.EC.SS_CIN.IDX,D,{area},Z0Z,4F,EC,SS_CIN,IDX"
    novelty = ",1" if scene.has_new_column else ""
    return [
        f"{prefix},{day},{value * scene.factor(day):.16f}{novelty}"
        for day, value in zip(scene.state.macro["VIXCLS"].days, values.tolist(), strict=True)
        if first <= day <= last and not scene.is_missing(day) and new_york(sessions_after(day, 1), 12) <= scene.now
    ]
