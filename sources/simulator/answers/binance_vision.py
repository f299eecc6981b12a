"""The simulated Binance public archive: zipped CSV files with a checksum beside each.

A daily file appears 40 minutes after its day has ended and a monthly one on the second of the next month. The real
daily files come some hours later; here they are early enough for the print of the market's last day to see them.

Candles of minutes and of the index are many: those of minutes are there for the days around the break of USDe's peg
and the newest two days, those of the index for the newest month; others were never published.

`bookDepth` holds one snapshot every 15 minutes (96 a day). The real archive has one about every 30 seconds; the
simulation samples it, so that a first load stays small.

What files look like depends on their age, as in the real archive: spot candles have no heading and count microseconds
from 2025 on, funding files got a heading in May 2022, some metrics rows come twice or with zeros, and a line of
`bookDepth` can begin with a blank.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import numpy as np

from sources.simulator.answers.scene import Answer, Ask, Scene
from sources.simulator.calendars import UTC
from sources.simulator.state import BANDS_PCT, ORIGIN, SNAPSHOTS_PER_DAY, Candles, Floats, Ints, State, day_index

HOSTS = ("data.binance.vision",)

PUBLISHED_AFTER = timedelta(minutes=40)
_DAILY = r"(?P<day>\d{4}-\d{2}-\d{2})"
_MONTHLY = r"(?P<month>\d{4}-\d{2})"
_SPOT = r"/data/spot/{span}/klines/(?P<symbol>[A-Z]+)/1h/(?P=symbol)-1h-{stamp}\.zip"
_MINUTES = r"/data/spot/{span}/klines/(?P<symbol>[A-Z]+)/1m/(?P=symbol)-1m-{stamp}\.zip"
_INDEX = r"/data/futures/um/{span}/indexPriceKlines/(?P<symbol>[A-Z]+)/5m/(?P=symbol)-5m-{stamp}\.zip"
_FUTURES = r"/data/futures/um/{span}/{kind}/(?P<symbol>[A-Z]+)/(?P=symbol)-{kind}-{stamp}\.zip"
_HEADING_SINCE = date(2022, 5, 1)
_MICROSECONDS_SINCE = date(2025, 1, 1)
_WEIGHTED_PRICE_SINCE = date(2025, 1, 1)
_TWICE = {("BTCUSDT", date(2022, 2, 23)), ("ETHUSDT", date(2022, 2, 23))}
_ZEROS = {date(2022, 3, 7), date(2022, 3, 8)}
_DEPTH_SINCE = date(2023, 1, 1)
_MINUTES_OF = ("USDEUSDT",)
_MINUTES_KEPT = (date(2025, 10, 9), date(2025, 10, 12))
_NEWEST_MINUTE_DAYS = 2
_NEWEST_INDEX_DAYS = 31

# Where within an hour its candle is seen at its first extreme, its second one, and its close.
_TURNS = (0, 27, 54, 60)

_METRICS_HEADING = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)
_KLINE_HEADING = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)
_MS_PER_HOUR = 3_600_000


def answer(ask: Ask, scene: Scene) -> Answer:
    path, is_checksum = ask.path.removesuffix(".CHECKSUM"), ask.path.endswith(".CHECKSUM")
    file = _find(path)
    if file is None or not file.is_published(scene):
        return _no_such_key(ask)
    content, digest = _cache.get(file, scene)
    if not is_checksum:
        return Answer(200, "application/zip", content)
    if scene.faults.has_wrong_checksum(file.first):
        digest = hashlib.sha256(digest.encode()).hexdigest()
    return Answer(200, "binary/octet-stream", f"{digest}  {path.rpartition('/')[2]}\n".encode())


class _File:
    """One file of the archive: what it is about and how its text is made."""

    def __init__(
        self, path: str, symbol: str, first: date, last: date, write: Callable[[State, _File, Scene], str]
    ) -> None:
        self.path = path
        self.symbol = symbol
        self.first = first
        self.last = last
        self.write = write

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2].removesuffix(".zip")

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=i) for i in range((self.last - self.first).days + 1)]

    def is_published(self, scene: Scene) -> bool:
        end = datetime.combine(self.last + timedelta(days=1), time(0), UTC)
        is_monthly = self.first != self.last
        due = end + PUBLISHED_AFTER + (timedelta(days=1) if is_monthly else timedelta(0))
        if due > scene.now or self.first < ORIGIN.date() or (not is_monthly and scene.is_missing(self.first)):
            return False
        state = scene.state
        age = (scene.now - PUBLISHED_AFTER).date() - self.last
        if self.write is _minute_klines:
            is_kept = _MINUTES_KEPT[0] <= self.first <= _MINUTES_KEPT[1] or age.days <= _NEWEST_MINUTE_DAYS
            if self.symbol not in _MINUTES_OF or not is_kept:
                return False
        if self.write is _index_klines and age.days > _NEWEST_INDEX_DAYS:
            return False
        if self.write in (_klines, _minute_klines):
            candles = state.candles.get(self.symbol)
            return candles is not None and day_index(self.last) * 24 + 23 >= candles.first_hour
        return self.symbol in state.perpetuals and (self.write is not _book_depth or self.first >= _DEPTH_SINCE)


def _klines(state: State, file: _File, scene: Scene) -> str:
    candles = state.candles[file.symbol]
    return "".join(_klines_of_day(candles, day, scene) for day in file.days if not scene.is_missing(day))


def _klines_of_day(candles: Candles, day: date, scene: Scene) -> str:
    per_ms = 1000 if day >= _MICROSECONDS_SINCE else 1
    factor = scene.factor(day)
    first = day_index(day) * 24
    lines = []
    for hour in range(max(first, candles.first_hour), first + 24):
        k = hour - candles.first_hour
        opened = (int(ORIGIN.timestamp() * 1000) + hour * _MS_PER_HOUR) * per_ms
        closed = opened + _MS_PER_HOUR * per_ms - 1
        base, quote, share = candles.volume_base[k], candles.volume_quote[k], candles.taker_share[k]
        lines.append(
            f"{opened},{candles.open[k] * factor:.8f},{candles.high[k] * factor:.8f},{candles.low[k] * factor:.8f},"
            f"{candles.close[k] * factor:.8f},{base:.8f},{closed},{quote:.8f},{candles.trade_count[k]},"
            f"{base * share:.8f},{quote * share:.8f},0{',1' if scene.has_new_column else ''}\n"
        )
    return "".join(lines)


def _minutes(candles: Candles, hours: Ints, factor: float) -> Floats:
    """Prices at the 61 minute edges of hours, (hours, 61): each hour passes through its candle's four prices."""
    opening, high, low, close = (
        values[hours] * factor for values in (candles.open, candles.high, candles.low, candles.close)
    )
    is_falling = close < opening
    knots = np.stack([opening, np.where(is_falling, high, low), np.where(is_falling, low, high), close], axis=1)
    at = np.arange(61.0)
    left = np.clip(np.searchsorted(_TURNS, at, side="right") - 1, 0, 2)
    turns = np.array(_TURNS, dtype=float)
    weight = (at - turns[left]) / (turns[left + 1] - turns[left])
    path: Floats = knots[:, left] * (1.0 - weight) + knots[:, left + 1] * weight
    return path


def _minute_klines(state: State, file: _File, scene: Scene) -> str:
    candles = state.candles[file.symbol]
    first = max(day_index(file.first) * 24, candles.first_hour)
    hours = np.arange(first, day_index(file.first) * 24 + 24) - candles.first_hour
    path = np.round(_minutes(candles, hours, scene.factor(file.first)), 4)
    per_ms = 1000 if file.first >= _MICROSECONDS_SINCE else 1
    lines = []
    for row, k in enumerate(hours.tolist()):
        base, quote, share = candles.volume_base[k] / 60, candles.volume_quote[k] / 60, candles.taker_share[k]
        trades = int(candles.trade_count[k])
        for minute in range(60):
            opened = (int(ORIGIN.timestamp() * 1000) + (first + row) * _MS_PER_HOUR + minute * 60_000) * per_ms
            left, right = path[row, minute], path[row, minute + 1]
            count = trades * (minute + 1) // 60 - trades * minute // 60
            lines.append(
                f"{opened},{left:.8f},{max(left, right):.8f},{min(left, right):.8f},{right:.8f},{base:.8f},"
                f"{opened + 60_000 * per_ms - 1},{quote:.8f},{count},{base * share:.8f},{quote * share:.8f},0"
                f"{',1' if scene.has_new_column else ''}\n"
            )
    return "".join(lines)


def _index_klines(state: State, file: _File, scene: Scene) -> str:
    first = day_index(file.first) * 24
    path = _minutes(state.candles[file.symbol], np.arange(first, first + 24), scene.factor(file.first))
    # Six edges to five minutes; the last is the first of the next.
    edges = path[:, np.add.outer(np.arange(0, 60, 5), np.arange(6))].reshape(288, 6)
    novelty = ",1" if scene.has_new_column else ""
    lines = [f"{_KLINE_HEADING}{',new_field' if novelty else ''}\n"]
    for position, part in enumerate(edges):
        opened = int(ORIGIN.timestamp() * 1000) + first * _MS_PER_HOUR + position * 300_000
        lines.append(
            f"{opened},{part[0]:.8f},{part.max():.8f},{part.min():.8f},{part[-1]:.8f},0,{opened + 299_999},"
            f"0,300,0,0,0{novelty}\n"
        )
    return "".join(lines)


def _metrics(state: State, file: _File, scene: Scene) -> str:
    day = file.first
    columns = state.metrics(file.symbol, day)
    factor = scene.factor(day)
    coin, usd = columns["open_interest_coin"] * factor, columns["open_interest_usd"] * factor
    if day in _ZEROS:
        coin, usd = coin.copy(), usd.copy()
        coin[36:48] = usd[36:48] = 0.0
    ratios = (columns[name] for name in ("top_account_ratio", "top_position_ratio", "account_ratio", "taker_ratio"))
    figures = np.column_stack([coin, usd, *ratios])
    novelty = ",1" if scene.has_new_column else ""
    text = _metrics_template(file.symbol, novelty).replace("@", day.isoformat()) % tuple(figures.ravel().tolist())
    text = text.replace("#", (day + timedelta(days=1)).isoformat())
    mark = _mark(file)
    if (file.symbol, day) in _TWICE:
        text += text
    elif mark % 61 == 0:
        lines = text.splitlines(keepends=True)
        text = "".join([*lines[: mark % 288 + 1], lines[mark % 288], *lines[mark % 288 + 1 :]])
    return f"{_METRICS_HEADING}{',new_field' if novelty else ''}\n{text}"


def _metrics_template(symbol: str, novelty: str) -> str:
    def line(minute: int) -> str:
        day = "@" if minute < 1440 else "#"
        return f"{day} {minute // 60 % 24:02d}:{minute % 60:02d}:00,{symbol},%.3f,%.4f,%.6f,%.6f,%.6f,%.6f{novelty}\n"

    return _template(("metrics", symbol, novelty), lambda: "".join(map(line, range(5, 1441, 5))))


def _book_depth(state: State, file: _File, scene: Scene) -> str:
    day = file.first
    coin, usd, average = state.depth(file.symbol, day)
    factor = scene.factor(day)
    has_average = day >= _WEIGHTED_PRICE_SINCE
    figures = np.stack(
        [coin * factor, usd * factor, average] if has_average else [coin * factor, usd * factor], axis=-1
    )
    novelty = ",1" if scene.has_new_column else ""
    text = _depth_template(has_average, novelty).replace("@", day.isoformat()) % tuple(figures.ravel().tolist())
    mark = _mark(file)
    if mark % 37 == 0:
        lines = text.splitlines(keepends=True)
        lines[mark % len(lines)] = " " + lines[mark % len(lines)]
        text = "".join(lines)
    heading = "timestamp,percentage,depth,notional" + (",weighted_avg_price" if has_average else "")
    return f"{heading}{',new_field' if novelty else ''}\n{text}"


def _depth_template(has_average: bool, novelty: str) -> str:
    def lines(snapshot: int) -> str:
        second = 5 + (snapshot * 7) % 23
        stamp = f"@ {snapshot // 4:02d}:{snapshot % 4 * 15:02d}:{second:02d}"
        average = ",%.6f" if has_average else ""
        return "".join(f"{stamp},{band},%.3f,%.4f{average}{novelty}\n" for band in BANDS_PCT)

    key = ("depth", str(has_average), novelty)
    return _template(key, lambda: "".join(map(lines, range(SNAPSHOTS_PER_DAY))))


def _funding(state: State, file: _File, scene: Scene) -> str:
    perpetual = state.perpetuals[file.symbol]
    novelty = ",1" if scene.has_new_column else ""
    has_heading = file.first >= _HEADING_SINCE
    lines = (
        [f"calc_time,funding_interval_hours,last_funding_rate{',new_field' if novelty else ''}\n"]
        if has_heading
        else []
    )
    for day in file.days:
        if scene.is_missing(day):
            continue
        for index in range(day_index(day) * 3, day_index(day) * 3 + 3):
            stamp = int(ORIGIN.timestamp() * 1000) + index * 8 * _MS_PER_HOUR + int(perpetual.funding_jitter_ms[index])
            lines.append(f"{stamp},8,{perpetual.funding_rate[index] * scene.factor(day):.8f}{novelty}\n")
    return "".join(lines)


_KINDS: tuple[tuple[re.Pattern[str], Callable[[State, _File, Scene], str]], ...] = (
    (re.compile(_SPOT.format(span="daily", stamp=_DAILY)), _klines),
    (re.compile(_SPOT.format(span="monthly", stamp=_MONTHLY)), _klines),
    (re.compile(_MINUTES.format(span="daily", stamp=_DAILY)), _minute_klines),
    (re.compile(_INDEX.format(span="daily", stamp=_DAILY)), _index_klines),
    (re.compile(_FUTURES.format(span="daily", kind="metrics", stamp=_DAILY)), _metrics),
    (re.compile(_FUTURES.format(span="daily", kind="bookDepth", stamp=_DAILY)), _book_depth),
    (re.compile(_FUTURES.format(span="monthly", kind="fundingRate", stamp=_MONTHLY)), _funding),
)


def _find(path: str) -> _File | None:
    for pattern, write in _KINDS:
        if match := pattern.fullmatch(path):
            parts = match.groupdict()
            try:
                first = date.fromisoformat(parts.get("day") or f"{parts['month']}-01")
            except ValueError:
                return None
            following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
            return _File(
                path, parts["symbol"], first, first if "day" in parts else following - timedelta(days=1), write
            )
    return None


def _mark(file: _File) -> int:
    """A number by which rare defects are placed, the same for a file at all times."""
    return zlib.crc32(file.name.encode())


_templates: dict[tuple[str, ...], str] = {}


def _template(key: tuple[str, ...], make: Callable[[], str]) -> str:
    if key not in _templates:
        _templates[key] = make()
    return _templates[key]


def pack(name: str, text: str, first: date) -> bytes:
    """A zip with one CSV, the same bytes for the same text."""
    packed = io.BytesIO()
    info = zipfile.ZipInfo(f"{name}.csv", (first.year, first.month, first.day, 0, 0, 0))
    info.external_attr = 0o644 << 16
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(info, text, compress_type=zipfile.ZIP_DEFLATED, compresslevel=1)
    return packed.getvalue()


class _Cache:
    """The last few files, because a file's checksum is asked for right after the file."""

    def __init__(self, size: int = 32) -> None:
        self._size = size
        self._files: OrderedDict[object, tuple[bytes, str]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: _File, scene: Scene) -> tuple[bytes, str]:
        """The zip and its SHA-256; they hang on the state and the faults, not on the present."""
        key = (file.path, id(scene.state), scene.faults.active)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        content = pack(file.name, file.write(scene.state, file, scene), file.first)
        made = (content, hashlib.sha256(content).hexdigest())
        with self._lock:
            self._files[key] = made
            if len(self._files) > self._size:
                self._files.popitem(last=False)
        return made


_cache = _Cache()


def _no_such_key(ask: Ask) -> Answer:
    key = ask.path.lstrip("/")
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>{key}</Key></Error>"
    )
    return Answer(404, "application/xml", xml.encode())
