"""Repeats that go on until an interval is narrow: what an experiment asks for, and when it is looked at."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

MIN_REPEATS: Final = 5
"""Below five repeats a bootstrap interval of the median holds less than it says: at three, 73-77 %, not 95 %."""

_LOOKS: Final = 20  # a look for each 5 % more repeats


@dataclass(frozen=True, slots=True, kw_only=True)
class Until:
    """A case needs no more repeats when a metric's median is known well enough.

    Attributes:
        least: the repeats that every case gets.
        metric: whose median is meant.
        ci_ratio: how large half of its 95 % interval may be, as a share of the median's size.
    """

    least: int
    metric: str
    ci_ratio: float

    def looks_after(self, repeats: int) -> bool:
        """Whether the interval is looked at after so many repeats: after each up to 40, then less and less often.

        A look takes time in proportion to the repeats, between two trials; looks in proportion to growth keep the
        whole of it in proportion to the repeats too, and no case gets more than 5 % too many.
        """
        return repeats >= self.least and (repeats == self.least or repeats % max(1, repeats // _LOOKS) == 0)

    def to_json(self) -> dict[str, Any]:
        """Return a value that ``json`` can write and :meth:`from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Until | None":
        """Rebuild it; None where the number of repeats is fixed."""
        return None if value is None else cls(**value)
