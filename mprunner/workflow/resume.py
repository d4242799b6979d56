"""Resuming a run: what is missing of it, whether new results may be added to the old ones, and its run.json."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mprunner.errors import MprunnerError, NothingSelectedError, ResumeRefusedError
from mprunner.experiment import Asked, Experiment, Plan, list_of_cpus, make_plan, read_experiment
from mprunner.model.adaptive import AdaptiveRepeats
from mprunner.model.declaration import Declaration, Field
from mprunner.model.provenance import Difference, Header, differences
from mprunner.model.records import Attempt
from mprunner.plugins.registry import RegisteredScenario, Registry, load_registry
from mprunner.runs import Journal, RunFolder, Tally, TrialStates, bindable_cpus, variant_in_words
from mprunner.workflow.execute import Executed, OpenRun, Started, adaptive_of
from mprunner.workflow.prepare import Prepared, cpus_of, in_variants, plugin_of, session_of

NEW_RUN = "start a new run of the experiment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened:
    """A run whose journal has been read and is held against other runners.

    Attributes:
        folder: its folder.
        journal: its journal.
        experiment: what the run began with.
        trial_states: what its trials came to.
        tally: how many of them are settled, and how many failed.
        adaptive: what the cases came to; None where all repeats are executed.
        spared: how many planned trials are not needed, by what the cases came to.
    """

    folder: RunFolder
    journal: Journal
    experiment: Experiment
    trial_states: TrialStates
    tally: Tally
    adaptive: AdaptiveRepeats | None = None
    spared: int = 0

    @property
    def header(self) -> Header:
        """The header of the journal."""
        return self.journal.header

    @property
    def missing(self) -> int:
        """How many trials that are needed, as far as is known, have no final record."""
        return self.header.planned - self.spared - self.tally.settled

    def lost(self) -> dict[str, int]:
        """Count the lost attempts of each trial, with those that will be recorded when its next one is started."""
        counts = Counter(
            {trial_id: state.lost for trial_id, state in self.trial_states.items() if state.lost}
        )
        counts.update({trial_id: len(attempts) for trial_id, attempts in self.journal.cut_off.items()})
        return counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """What is missing of a run, ready to be executed. Iterating yields its attempts, in the order of the plan.

    Attributes:
        reopened: the run.
        prepared: its experiment, scenario and plan.
        differences: what is not as it was when the run began.
        allow_changes: whether the results may be mixed all the same.
    """

    reopened: Reopened
    prepared: Prepared
    differences: tuple[Difference, ...]
    allow_changes: bool = False

    def __iter__(self) -> Iterator[Attempt]:
        states, retries = self.reopened.trial_states, self.prepared.experiment.retries
        for attempt in self.prepared.plan:
            state = states.get(attempt.trial_id)
            if state is None:
                yield attempt
            elif not state.is_settled(retries):
                yield replace(attempt, attempt=state.attempt + 1)


@contextmanager
def reopened(folder: RunFolder) -> Iterator[Reopened]:
    """Lock a run against other runners, and find out what its trials came to.

    Raises:
        ResultsError: another runner holds it, or its journal is damaged or can't be written.
    """
    trial_states = TrialStates()
    with Journal.reopen(folder.journal, trial_states) as journal:
        experiment = Experiment.from_json(journal.header.experiment)
        tally = trial_states.tally(experiment.retries)
        adaptive = _adaptive_by(experiment, journal, trial_states)
        yield Reopened(
            folder=folder,
            journal=journal,
            experiment=experiment,
            trial_states=trial_states,
            tally=tally,
            adaptive=adaptive,
            spared=0 if adaptive is None else adaptive.look_at_all(),
        )


def _adaptive_by(
    experiment: Experiment, journal: Journal, trial_states: TrialStates
) -> AdaptiveRepeats | None:
    """Return what the settled trials of a run came to, as the schedule that executed them saw it."""
    adaptive = adaptive_of(experiment, journal.header.planned, journal.header.baseline)
    if adaptive is not None:
        for record in journal.earlier_records():
            trial_state = trial_states[record.attempt.trial_id]
            if record.attempt.attempt == trial_state.attempt and trial_state.is_settled(experiment.retries):
                adaptive.take(record)
    return adaptive


def prepare_rest(run: Reopened, plugins: Sequence[Path], file: Path, *, allow_changes: bool = False) -> Rest:
    """Find the scenario of a run, plan it as it was planned, and compare then with now.

    Args:
        run: the run.
        plugins: files given by ``--plugin``; without any, the one that the run began with.
        file: the experiment file that is compared with what the run began with.
        allow_changes: whether a plugin file that has changed since then may be imported, and results be mixed.

    Raises:
        ResumeRefusedError: new results can't be added to those that there are.
        ExperimentError, PluginError: the scenario is gone, or its plugin is broken.
    """
    header = run.header
    if not plugins:
        plugins, changed = plugin_of(run.folder, header)
        if changed and not allow_changes:
            raise refusal(changed)
    registry = load_registry(plugins)
    scenario = in_variants(registry.scenario(header.declaration.name), run.experiment)
    _refuse_other_columns(header.declaration, scenario.declaration)
    _refuse_missing_cpus(run.experiment)
    cpus = header.cpus or len(cpus_of(run.experiment))
    plan = _plan_of(run, scenario, cpus)
    known = 0 if plan is None else sum(trial_id in run.trial_states for trial_id in plan.trial_ids())
    if plan is None or len(plan) != header.planned or known != len(run.trial_states):
        raise ResumeRefusedError("the plan of the run is not what it was: other trials are in it", NEW_RUN)
    return Rest(
        reopened=run,
        prepared=Prepared(
            registry=registry, experiment=_where_it_was(run), scenario=scenario, plan=plan, cpus=cpus
        ),
        allow_changes=allow_changes,
        differences=(
            *differences(header.conditions, session_of(scenario).conditions),
            *_cpu_differences(run, scenario, plan),
            *_experiment_differences(run, scenario, plan, registry, file),
        ),
    )


def _where_it_was(run: Reopened) -> Experiment:
    """Return the experiment of a run with the whole path of its file: the current folder may be another than then.

    Raises:
        ResumeRefusedError: code would be executed that is in the run's own folder, which may come from anyone.
    """
    file = run.folder.read_run().file
    experiment = replace(run.experiment, path=file) if file else run.experiment
    folder = Path(experiment.path).absolute().parent
    own = [
        folder / each
        for variant in experiment.variants.values()
        for each in (*variant.path, *([variant.python] if os.sep in variant.python else []))
    ]
    for place in (folder, *own):
        if place.resolve().is_relative_to(run.folder.path.resolve()):
            message = f"the run names its own folder, {place}, as one that it executes code of"
            raise ResumeRefusedError(message, NEW_RUN)
    return experiment


def refusal(changes: Sequence[Difference]) -> ResumeRefusedError:
    """Return the error that says what is not as it was when the run began."""
    shown = "".join(f"\n  {each}" for each in changes)
    return ResumeRefusedError(
        f"this is not what the run began with:{shown}",
        "restore it, start a new run, or mix the results with --allow-changes",
    )


def _plan_of(run: Reopened, scenario: RegisteredScenario, cpus: int) -> Plan | None:
    try:  # with the defaults that the run began with: a default that has changed must not make trials new
        return make_plan(run.experiment, run.header.declaration, scenario.params_type, cpus)
    except NothingSelectedError:
        return None


def _refuse_missing_cpus(experiment: Experiment) -> None:
    usable = bindable_cpus()
    missing = sorted(set(experiment.cpus or ()).difference(usable))
    if missing:
        which = f"CPU {missing[0]}" if len(missing) == 1 else f"CPUs {list_of_cpus(missing)}"
        may = list_of_cpus(usable) if usable else "any: this platform does not bind processes"
        raise ResumeRefusedError(
            f"the run is bound to {which}, which can't be used here; a worker may use {may}",
            "resume it where it began",
        )


def _refuse_other_columns(then: Declaration, now: Declaration) -> None:
    differing = differences(_columns(then), _columns(now))
    if differing:
        shown = "".join(f"\n  {difference}" for difference in differing)
        raise ResumeRefusedError(
            f"scenario {then.name!r} declares other columns than when the run began:{shown}", NEW_RUN
        )


def _columns(declaration: Declaration) -> dict[str, Any]:
    return {
        "params": _types(declaration.params),
        "metrics": _types(declaration.metrics),
        "sample": _types(declaration.sample or ()),
        "outcomes": sorted(declaration.outcomes),
    }


def _types(fields: Sequence[Field]) -> dict[str, str]:
    return {field.name: field.type + (" or null" if field.optional else "") for field in fields}


def _cpu_differences(run: Reopened, scenario: RegisteredScenario, plan: Plan) -> tuple[Difference, ...]:
    then, now = run.header.cpus, len(cpus_of(run.experiment))
    if then in (None, now) or _cases(_plan_of(run, scenario, now)) == _cases(plan):
        return ()
    return differences({"cpu_count": then}, {"cpu_count": now})


def _cases(plan: Plan | None) -> set[str]:
    return {case.case_id for case in plan.cases} if plan else set()


def _experiment_differences(
    run: Reopened, scenario: RegisteredScenario, plan: Plan, registry: Registry, file: Path
) -> tuple[Difference, ...]:
    """Compare what the file says now with what the run began with: what it means, not how it is written."""
    try:
        asked = Asked(overrides=run.experiment.overrides)  # as when the run began
        given = _at_commits_of(run.experiment, read_experiment(file, registry.scenario, asked))
        given = replace(given, only=run.experiment.only)
        cpus = run.header.cpus or len(cpus_of(run.experiment))
        planned = make_plan(given, run.header.declaration, scenario.params_type, cpus)
        given = planned.with_baseline(given)
    except MprunnerError as error:
        first = error.message.splitlines()[0]
        return (Difference(what=str(file), then="an experiment", now=first),)
    # Where it is, what its results folder is called, and what is made of results: no trial is another by it.
    ignored = {"path", "name", "description", "outcomes", "expect"}
    if _cases(planned) == _cases(plan):
        ignored |= {"params", "sweep", "exclude"}
    then, now = (
        {key: value for key, value in made.to_json().items() if key not in ignored}
        for made in (run.experiment, given)
    )
    return differences(then, now)


def _at_commits_of(then: Experiment, now: Experiment) -> Experiment:
    """Return an experiment with its variants at the commits that they had: a revision may be another one by now."""
    variants = {
        name: replace(variant, commit=then.variants[name].commit)
        if name in then.variants and then.variants[name].revision == variant.revision
        else variant
        for name, variant in now.variants.items()
    }
    return replace(now, variants=variants)


def continued(rest: Rest, session: Started) -> OpenRun:
    """Note in the journal and in run.json that another session goes on with a run.

    Raises:
        ResumeRefusedError: a variant's interpreter is another one than when the run began.
        ResultsError: that can't be written.
    """
    run = rest.reopened
    if changes := differences(_interpreters(run.folder.read_run().content), _interpreters(session.facts)):
        if not rest.allow_changes:
            raise refusal(changes)
        session.warn("the results are mixed:" + "".join(f"\n  {each}" for each in changes), "")
    run.folder.make_ready()
    facts = {
        "missing": run.missing,
        "differences": [str(difference) for difference in rest.differences],
        **session.facts,
    }
    info = run.folder.read_run().resumed(facts, run.tally.settled, run.tally.failed)
    run.journal.resumed(session_of(rest.prepared.scenario))
    run.folder.write_run(info)
    return OpenRun(
        folder=run.folder,
        journal=run.journal,
        info=info,
        planned=run.header.planned,
        done=run.tally.settled,
        failures=run.tally.failed,
    )


def _interpreters(run: Mapping[str, Any]) -> dict[str, str]:
    """Return which interpreter each variant of a run has, by what run.json says, or will say."""
    variants = run.get("variants")
    told = variants.items() if isinstance(variants, Mapping) else ()
    return {f"variant {name}": variant_in_words(each) for name, each in told}


def mark_finished(run: Reopened) -> Executed:
    """Say of a run of which nothing is missing that it is finished, and let other runners have it.

    Raises:
        ResultsError: its run.json can't be read or written.
    """
    done, failures = run.tally.settled, run.tally.failed
    with run.journal:
        info = run.folder.read_run()
        if not info.is_finished:  # its runner was ended after the last trial
            info = info.ended(done=done, failures=failures, missing=0, spared=run.spared, by_signal=False)
            run.folder.write_run(info)
    return Executed(folder=run.folder, run=info, done=done, failures=failures)
