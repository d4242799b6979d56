"""The first stage: from an experiment's file to its scenario and its plan; nothing is started or written."""

import platform
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mprunner.errors import ExperimentError, PluginError
from mprunner.experiment import NOTHING, Asked, Experiment, Plan, make_plan, read_experiment
from mprunner.model.declaration import with_cpus
from mprunner.model.provenance import Difference, Header, Session, conditions, differences, file_hash
from mprunner.model.relevance import Relevance
from mprunner.model.rules import Rules
from mprunner.model.variants import VARIANT, Variant, with_variants
from mprunner.plugins.registry import RegisteredScenario, Registry, load_registry
from mprunner.runs import RunFolder, bindable_cpus, usable_cpus
from mprunner.values import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An experiment that is ready to be executed; nothing has been started or written.

    Attributes:
        registry: the plugins found.
        experiment: what the file says.
        scenario: the scenario that it names.
        plan: all of its trials.
        cpus: how many CPUs ``cpu_count`` means.
    """

    registry: Registry
    experiment: Experiment
    scenario: RegisteredScenario
    plan: Plan
    cpus: int

    @property
    def rules(self) -> Rules:
        """What the experiment expects, ``cpu_count`` resolved."""
        return self.experiment.rules.resolved(self.scenario.declaration.params, self.cpus)

    @property
    def variants(self) -> Mapping[str, Variant]:
        """The variants in which a case is executed: of the others nothing needs to be there."""
        unused = dict(self.experiment.variants)
        for case in self.plan.cases if unused else ():
            unused.pop(str(case.params[VARIANT]), None)
            if not unused:
                break
        return {name: each for name, each in self.experiment.variants.items() if name not in unused}

    @property
    def relevance(self) -> Relevance:
        """Which params mean something to which case."""
        return Relevance(self.scenario.declaration.params)

    @property
    def baseline(self) -> Mapping[str, Scalar]:
        """What the cases are compared with, ``cpu_count`` resolved; empty if with nothing."""
        return with_cpus(self.experiment.baseline or {}, self.scenario.declaration.params, self.cpus)

    def header(self, run_id: str) -> Header:
        """Return what the journal of a run begins with."""
        session = session_of(self.scenario)
        return Header(
            run_id=run_id,
            experiment=self.experiment.to_json(),
            declaration=self.scenario.declaration,
            planned=len(self.plan),
            python=session.python,
            host=session.host,
            cpus=self.cpus,
            plugin_file=self.scenario.plugin.file,
            conditions=session.conditions,
        )


def prepare(
    file: Path,
    plugins: Sequence[Path] = (),
    asked: Asked = NOTHING,
    *,
    strict: bool = False,
    registry: Registry | None = None,
) -> Prepared:
    """Read an experiment, find its scenario, plan its trials.

    Args:
        file: the experiment.
        plugins: files given by ``--plugin``.
        asked: what was said of the experiment beside its file.
        strict: whether the scenario must not refuse a combination.
        registry: the plugins, where they were loaded already.

    Raises:
        ExperimentError: the file, or what it says, is wrong; if ``strict``, the scenario refuses a combination.
        PluginError: the plugin that it needs is broken.
        NothingSelectedError: its plan is empty.
    """
    registry = registry or load_registry(plugins)
    experiment = read_experiment(file, registry.scenario, asked, bindable_cpus())
    experiment = with_commits(experiment)
    scenario = in_variants(registry.scenario(experiment.scenario), experiment)
    cpus = len(cpus_of(experiment))
    plan = make_plan(experiment, scenario.declaration, scenario.params_type, cpus, strict=strict)
    experiment = plan.with_baseline(experiment)
    return Prepared(registry=registry, experiment=experiment, scenario=scenario, plan=plan, cpus=cpus)


def in_variants(scenario: RegisteredScenario, experiment: Experiment) -> RegisteredScenario:
    """Return a scenario with the param that says in which of an experiment's variants a case is executed, if any."""
    return replace(scenario, declaration=with_variants(scenario.declaration, experiment.variants))


def with_commits(experiment: Experiment) -> Experiment:
    """Return an experiment of whose variants each that names a revision has the commit that this is now.

    One that ``--only`` leaves out has none.

    Raises:
        ExperimentError: the file is in no git repository, or that has no such revision.
    """
    if not any(each.revision for each in experiment.variants.values()):
        return experiment
    from mprunner.executors import GitError, Repository  # noqa: PLC0415 - few experiments need it

    variants = dict(experiment.variants)
    for name, variant in experiment.variants.items():
        is_left_out = any(name not in where.get(VARIANT, (name,)) for where in experiment.only)
        if variant.revision and not is_left_out:
            try:
                repository = Repository.of(Path(experiment.path).absolute().parent)
                variants[name] = replace(variant, commit=repository.commit_of(variant.revision))
            except GitError as error:
                place = ("variants", name, "revision")
                raise ExperimentError(experiment.placed(error.message, place), error.hint) from error
    return replace(experiment, variants=variants)


def cpus_of(experiment: Experiment) -> list[int]:
    """Return the numbers of the CPUs that a worker may use: those that the experiment names, or else all."""
    return usable_cpus() if experiment.cpus is None else list(experiment.cpus)


def session_of(scenario: RegisteredScenario) -> Session:
    """Say for a journal with which Python, on which host and with which code trials are executed."""
    plugin = scenario.plugin
    name = str(plugin) if plugin.file is None else "a file"
    module = scenario.cls.__module__
    elsewhere = module if module != plugin.module else None
    return Session(
        python=platform.python_version(),
        host=socket.gethostname(),
        conditions=conditions(name, plugin.source_hash, plugin.module, elsewhere),
    )


def plugin_of(folder: RunFolder, header: Header) -> tuple[list[Path], tuple[Difference, ...]]:
    """Return the plugin file that a run began with, if it had one, and how it differs from what it was then.

    A run's folder may come from anyone, so nothing in it is imported, and the caller refuses a file that has changed.

    Raises:
        PluginError: the file is in the run's own folder.
    """
    if header.plugin_file is None:
        return [], ()
    file = Path(header.plugin_file)
    if file.resolve().is_relative_to(folder.path.resolve()):
        raise PluginError(
            f"the run names a plugin in its own folder, {file}, which is not imported",
            "copy it elsewhere and give that with --plugin, if you trust it",
        )
    source = "source of the plugin"
    then, now = {source: header.conditions.get(source)}, {source: file_hash(file)}
    return [file], differences(then, now) if file.is_file() else ()
