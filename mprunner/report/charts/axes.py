"""Axes of metrics: their unit as a person reads it, and whether they are logarithmic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Any, Final, Literal

from mprunner.model.declaration import Field
from mprunner.report.charts.style import Spec

ROOM: Final = 7
"""Pixels beside the outermost marks, which else would be cut off where a chart can be zoomed."""
MANY: Final = 30
"""If the largest value is so many times the smallest, an axis is logarithmic."""
MANY_COUNTED: Final = 1_000
"""The same of counts that may be 0: below 1 the axis is linear."""
_UNITS: Final = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")),
    "bytes": ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "bytes")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How a metric is drawn along an axis. The data keep its own unit; only what the axis says is scaled.

    Attributes:
        title: the metric, and the unit that the axis says.
        named: the metric and its own unit, as whoever is told a value needs it.
        kind: ``symlog`` is logarithmic, too, but for what is below 1.
        unit: what one of the axis's unit is in the metric's own.
        domain: from where to where.
    """

    title: str
    named: str
    kind: Literal["linear", "log", "symlog"]
    unit: float
    domain: tuple[float, float]

    @property
    def is_log(self) -> bool:
        """Whether it is logarithmic."""
        return self.kind != "linear"

    def channel(self, field: str, **axis: Any) -> Spec:
        """Return the channel of a field that holds such values."""
        low, high = self.domain
        scale: dict[str, Any] = {"zero": False, "nice": True, "padding": ROOM}
        look: dict[str, Any] = {"title": self.title, "tickCount": 5, "labelExpr": self._label}
        if self.kind == "log":
            scale = {"type": "log", "domain": [low, high], "padding": ROOM}
            look["values"] = [tick * self.unit for tick in log_ticks(low / self.unit, high / self.unit)]
        elif self.kind == "symlog":
            scale = {"type": "symlog", "domain": [0, high], "padding": ROOM}
            look["values"] = [0, *log_ticks(10, high)]
        elif low < high:
            scale["domain"] = [low, high]
        return {"field": field, "type": "quantitative", "scale": scale, "axis": look | axis}

    @property
    def _label(self) -> str:
        value = "datum.value" if self.unit == 1 else f"datum.value / {self.unit!r}"
        return f"format({value}, abs({value}) >= 1e5 ? '.3~s' : ',.6~g')"


def named(field: Field) -> str:
    """Return the name of a metric with its own unit, in which values are told."""
    return f"{field.name} ({field.unit.replace('_', ' ')})" if field.unit else field.name


def scale_of(field: Field, values: Iterable[float], more: Iterable[float | None] = ()) -> Scale:
    """Return how a metric with such values is drawn."""
    found = [*values, *(value for value in more if value is not None)]
    low, high = min(found, default=0.0), max(found, default=0.0)
    unit, symbol = _unit_of(field.unit, max(abs(low), abs(high)))
    kind: Literal["linear", "log", "symlog"] = "linear"
    if low > 0 and high / low >= MANY:
        kind = "log"
    elif low == 0 and field.type == "int" and high >= MANY_COUNTED:
        kind, unit, symbol = "symlog", 1.0, field.unit
    said = ", ".join(filter(None, (symbol.replace("_", " "), "" if kind == "linear" else "log")))
    return Scale(
        title=f"{field.name} ({said})" if said else field.name,
        named=named(field),
        kind=kind,
        unit=unit,
        domain=(low, high),
    )


def _unit_of(unit: str, largest: float) -> tuple[float, str]:
    """Return the unit in which the largest value is at least 1."""
    units: Sequence[tuple[float, str]] = _UNITS.get(unit, ((1.0, unit),))
    return next((each for each in units if largest >= each[0]), units[-1])


_MOST_DECADES: Final = 3  # with labels between the powers of ten


def log_ticks(low: float, high: float) -> list[float]:
    """Return where a logarithmic axis has a label: at powers of ten; at 2 and 5 times those if these are few."""
    first, last = floor(log10(low)), ceil(log10(high))
    steps = (1, 2, 5) if last - first <= _MOST_DECADES else (1,)
    every = max(1, ceil((last - first) / 6))
    ticks = [float(f"{step}e{power}") for power in range(first, last + 1, every) for step in steps]
    return [tick for tick in ticks if 0 < tick < inf and low / 1.15 <= tick <= high * 1.15]


_MANY_RATIOS: Final = 8


def ratio_channel(low: float, high: float) -> Spec:
    """Return a channel of ratios from ``low`` to ``high``, without a field: logarithmic where they are far apart."""
    axis: Spec = {"title": "ratio to the baseline", "format": ",.6~g", "tickCount": 4}
    if low > 0 and high / low >= _MANY_RATIOS:
        scale: Spec = {"type": "log", "domain": [low / 1.15, high * 1.15]}
        axis |= {"title": "ratio to the baseline (log)", "values": log_ticks(low, high)}
    else:
        room = 0.06 * (high - low) or 0.5
        scale = {"zero": False, "domain": [max(0.0, low - room), high + room]}
    return {"type": "quantitative", "scale": scale, "axis": axis}
