"""What a chart is, and what charts are made of."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import pandas as pd

from mprunner.analysis.verdict import Judgement, State
from mprunner.model.provenance import Header
from mprunner.tables import Frames

Section = Literal["metrics", "scaling", "outcomes", "timeline", "odds", "noise", "comparison"]
"""What a chart is about, and where a page shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture of a run's tables, not drawn yet. A notebook draws it.

    Attributes:
        key: names it, with none of its kind beside it: ``strips-wall_s``; of ``a-z``, ``0-9``, ``-`` and ``_``.
        title: a few words.
        caption: what it shows, and how it is read.
        description: the same for who can't see it, with the numbers that matter.
        spec: the whole of it as Vega-Lite 5, its data within; every text of a user's is data, never an expression.
        section: what it is about.
    """

    key: str
    title: str
    caption: str
    description: str
    spec: Mapping[str, Any]
    section: Section

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        """Return what a notebook shows: the spec, and a picture for who can't draw that."""
        bundle: dict[str, Any] = {
            "application/vnd.vegalite.v5+json": dict(self.spec),
            "text/plain": repr(self),
        }
        if find_spec("vl_convert") is not None:
            from mprunner.report.render import DrawingError, svgs  # noqa: PLC0415 - it is about charts itself

            with suppress(DrawingError):  # the notebook may be able to draw the spec
                bundle["image/svg+xml"] = svgs([self.spec])[0]
        return bundle

    def to_dict(self) -> dict[str, Any]:
        """Return the spec, as Altair's charts do."""
        return dict(self.spec)

    def __repr__(self) -> str:
        return f"<chart {self.key}: {self.title}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPicture:
    """All that a run's charts are made of.

    Attributes:
        header: of its journal.
        frames: its trials, and what was observed in them.
        summary: case × metric.
        outcomes: case × state.
        judgement: what they came to, by what the experiment expects.
        actors: a row per actor of a trial.
        samples: a row per sample; None where the scenario declares none.
    """

    header: Header
    frames: Frames
    summary: pd.DataFrame
    outcomes: pd.DataFrame
    judgement: Judgement
    actors: pd.DataFrame
    samples: pd.DataFrame | None

    def states_of(self, variable: str) -> dict[str, tuple[State, ...]]:
        """Return the states of an outcome by case id, of the cases in which it was observed."""
        states = self.judgement.states
        return {case_id: of_case[variable] for case_id, of_case in states.items() if variable in of_case}
