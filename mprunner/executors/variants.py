"""Executes the cases of an experiment with variants: each in an environment of its own, all ready at once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mprunner.errors import MprunnerError
from mprunner.executors.checkouts import GitError, Repository, SharedFolder
from mprunner.executors.environments import Checkout, make_environment
from mprunner.executors.local import LocalExecutor, ScenarioSource, VariantError
from mprunner.model.records import Attempt, Record
from mprunner.model.variants import VARIANT, Variant, without_variant
from mprunner.signals import Interrupt


class VariantsExecutor:
    """One :class:`LocalExecutor` for each variant; all have imported the scenario before the first trial.

    Attributes:
        containment: of the last that was started.
        isolation: ``forked``, or ``fresh`` for all if one of them needs it: they are to differ in nothing else.
        warnings: of all.
        variants: what is told of each: its interpreter as it is once the scenario is imported, and its commit.
    """

    def __init__(self, source: ScenarioSource) -> None:
        self.containment = ""
        self.isolation = source.isolation
        self.variants: Mapping[str, Mapping[str, Any]] = {}
        self.warnings: Sequence[tuple[str, str]] = ()
        self._left: list[tuple[str, str]] = []
        self._source = source
        self._shared: SharedFolder | None = None
        self._executors: dict[str, LocalExecutor] = {}

    def start(self) -> None:
        """Check out the revisions, start the interpreters, and have each import the scenario.

        Raises:
            VariantError: a variant can't be had, or has another GIL than it asks for.
            PluginError: the scenario can't be imported there.
        """
        self._shared = SharedFolder()
        checkouts = self._check_out(self._shared.path)
        for name, variant in self._source.variants.items():
            source = self._source
            environment = make_environment(
                name,
                variant,
                module=source.module,
                files=source.files,
                folder=source.folder,
                search=source.search,
                checkout=checkouts.get(variant.commit),
                shared=self._shared.path,
            )
            self._executors[name] = LocalExecutor(source, environment=environment)
        for each in self._executors.values():
            each.begin()  # all interpreters start while the first imports the scenario
        for name, each in self._executors.items():
            self._start(name, each)
        if any(each.isolation == "fresh" for each in self._executors.values()):
            self.isolation = "fresh"
            for name, each in self._executors.items():
                if each.isolation != "fresh":
                    each.close()
                    each.isolation = "fresh"
                    self._start(name, each)
        self._gather()
        self.variants = {
            name: {**each.interpreter, **_told(self._source.variants[name])}
            for name, each in self._executors.items()
        }

    def _check_out(self, shared: Path) -> dict[str, Checkout]:
        """Check out the commit of each variant, one that several have once."""
        checkouts: dict[str, Checkout] = {}
        for name, variant in self._source.variants.items():
            if variant.commit and variant.commit not in checkouts:
                try:
                    repository = Repository.of(Path(self._source.folder))
                    folder = shared / variant.commit[:12]
                    repository.check_out(variant.commit, folder)
                except GitError as error:
                    raise VariantError(name, "revision", error.message, error.hint) from error
                checkouts[variant.commit] = Checkout(root=str(repository.root), folder=str(folder))
        return checkouts

    def _start(self, name: str, executor: LocalExecutor) -> None:
        try:
            executor.start()
        except VariantError:
            raise
        except MprunnerError as error:
            raise type(error)(f"variant {name}: {error.message}", error.hint) from error
        self.containment = executor.containment
        _refuse_other_gil(name, self._source.variants[name], executor.interpreter)

    def execute(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Execute one attempt in the environment that it names."""
        executor = self._executors[str(attempt.params[VARIANT])]
        return replace(executor.execute(_own(attempt), logs, interrupt), attempt=attempt)

    def set_up(self, attempt: Attempt, logs: Path, interrupt: Interrupt) -> Record:
        """Call the scenario's ``set_up`` there."""
        executor = self._executors[str(attempt.params[VARIANT])]
        return replace(executor.set_up(_own(attempt), logs, interrupt), attempt=attempt)

    def close(self) -> None:
        """End all that was started, and remove what was checked out."""
        for each in self._executors.values():
            each.close()
        if self._shared is not None:
            left, self._shared = self._shared.close(), None
            self._left = [
                (f"what a variant needed can't be removed: {each}", "remove it yourself") for each in left
            ]
        self._gather()

    def _gather(self) -> None:
        told = [each for one in self._executors.values() for each in one.warnings]
        self.warnings = tuple(dict.fromkeys([*told, *self._left]))


def _own(attempt: Attempt) -> Attempt:
    """Return an attempt as its scenario knows it."""
    return replace(attempt, params=without_variant(attempt.params))


def _told(variant: Variant) -> dict[str, str]:
    return {"revision": variant.revision, "commit": variant.commit} if variant.revision else {}


_SWITCH: Final = {True: "on", False: "off"}


def _refuse_other_gil(name: str, variant: Variant, interpreter: Mapping[str, Any]) -> None:
    """Refuse an interpreter whose GIL is not as its variant asks for, now that it has imported the scenario."""
    wanted, got = variant.wants_gil, interpreter.get("gil_enabled")
    if wanted is None or wanted == got:
        return
    python = interpreter.get("python", "the interpreter")
    message = f"asks for a GIL that is {_SWITCH[wanted]}, and in {python} it is {_SWITCH[not wanted]}"
    hint = "name a free-threaded build, such as python3.14t"
    if "free-threading" in str(python):
        hint = "see what else says it: a module that the scenario imports, `-X gil` among the flags, or PYTHON_GIL"
    key = "flags" if any("gil=" in flag for flag in variant.flags) else "env.PYTHON_GIL"
    raise VariantError(name, key, message, hint)
