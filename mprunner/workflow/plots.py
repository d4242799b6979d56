"""The charts of a run for a notebook: each by its kind, or by its key."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mprunner.errors import ResultsError
from mprunner.model.text import nearest, printable
from mprunner.report import Chart, RunPicture, charts_of, timeline_of
from mprunner.runs import RunFolder
from mprunner.workflow.report import picture_of


@dataclass(frozen=True, slots=True, repr=False)
class Plots(Mapping[str, Chart]):
    """The charts of a run, by their keys: ``plot["strips-wall_s"]``. They are those of its page.

    A chart is shown by a notebook; ``chart.spec`` is its Vega-Lite spec, ``chart.spec["datasets"]`` its data. The
    run's journal is read when the first of them is asked for.

    Attributes:
        folder: of the run.
    """

    folder: RunFolder
    _made: list[tuple[RunPicture, dict[str, Chart]]] = field(default_factory=list, init=False)

    def _charts(self) -> tuple[RunPicture, dict[str, Chart]]:
        if not self._made:
            picture = picture_of(self.folder)
            self._made.append((picture, {chart.key: chart for chart in charts_of(picture)}))
        return self._made[0]

    def __getitem__(self, key: str) -> Chart:
        return self._charts()[1][key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._charts()[1])

    def __len__(self) -> int:
        return len(self._charts()[1])

    def __repr__(self) -> str:
        return f"<charts of {self.folder.run_id}: {', '.join(self)}>"

    def strips(self, metric: str | None = None) -> Chart:
        """Return every trial of a metric, with median, interval and ratio to the baseline by case.

        Args:
            metric: without it, the one in which cases are compared.

        Raises:
            ResultsError: there is no such chart.
        """
        return self._of("strips", metric, "metric")

    def lines(self, metric: str | None = None) -> Chart:
        """Return a metric's medians over a numeric param that is swept.

        Raises:
            ResultsError: there is no such chart.
        """
        return self._of("lines", metric, "metric")

    def speedup(self) -> Chart:
        """Return the speed-up over the number of processes, of the first group of cases.

        Raises:
            ResultsError: the run has none: no param counts processes, or there is no baseline to compare with.
        """
        return self._of("speedup")

    def outcomes(self, variable: str | None = None) -> Chart:
        """Return how often each state of an outcome was observed, by verdict.

        Args:
            variable: without it, the first outcome.

        Raises:
            ResultsError: there is no such chart.
        """
        return self._of("outcomes", variable, "outcome")

    def odds(self, variable: str | None = None) -> Chart:
        """Return how often the state of an outcome was not acceptable, over the param that drives it.

        Raises:
            ResultsError: there is no such chart.
        """
        return self._of("odds", variable, "outcome")

    def noise(self) -> Chart:
        """Return each trial over the time of day, against the median of its case.

        Raises:
            ResultsError: there is no such chart.
        """
        return self._of("noise")

    def timeline(self, trial_id: str | None = None) -> Chart:
        """Return what the actors of a trial did when.

        Args:
            trial_id: the trial, or the beginning of its id; without it, the slowest.

        Raises:
            ResultsError: there is no such trial, or it had no actors.
        """
        if trial_id is None:
            return self._of("timeline")
        try:
            return timeline_of(self._charts()[0], trial_id)
        except ValueError as error:
            raise ResultsError(
                f"{self.folder.run_id}: {error}", "`.actors` has the ids of all trials with actors"
            ) from error

    def _of(self, kind: str, name: str | None = None, what: str = "") -> Chart:
        keys = [key for key in self if key.partition("-")[0] == kind]
        if name is not None:
            keys = [key for key in keys if key.split("-")[1] == name]
        if keys:
            return self[keys[0]]
        wanted = f" of the {what} {printable(name)!r}" if name is not None else ""
        known = [key.split("-")[1] for key in self if key.partition("-")[0] == kind and "-" in key]
        near = None if name is None else nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"it has: {', '.join(self) or 'none'}"
        raise ResultsError(f"{self.folder.run_id} has no chart of {_WORDS[kind]}{wanted}", hint)


_WORDS = {
    "strips": "strips",
    "lines": "lines",
    "speedup": "speed-up",
    "outcomes": "outcomes",
    "odds": "odds",
    "noise": "noise",
    "timeline": "a timeline",
}
