"""Finds and loads plugins, one by one, so that a broken one never stops another.

What is wrong with a plugin becomes a :class:`PluginProblem`: a warning, unless the experiment needs what that
plugin provides.
"""

import contextlib
import difflib
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from mprunner.errors import ExperimentError, MprunnerError, PluginError
from mprunner.model.declaration import Declaration, declare, types_of
from mprunner.model.provenance import identity_of, source_hash
from mprunner.model.records import RESERVED_COLUMNS
from mprunner.model.summary_sentence import check_summary
from mprunner.plugins import hookspecs
from mprunner.scenario import Scenario

GROUP = hookspecs.PROJECT
BUILT_IN_EXECUTOR = "local"
_PREFIX = "mprunner_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """Where scenarios come from.

    Attributes:
        name: of its entry point, or its file's path.
        distribution: the installed package that it belongs to; empty for a file.
        version: that package's version; empty for a file.
        module: the module that provides it.
        file: its file, for a plugin given by ``--plugin``.
        source_hash: sha256 of the source of its module and its package, so that a change of code is seen; empty if
            unreadable.
    """

    name: str
    distribution: str
    version: str
    module: str
    file: str | None
    source_hash: str

    def __str__(self) -> str:
        return f"{self.name} ({self.distribution} {self.version})" if self.distribution else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredScenario:
    """A scenario that experiments can name."""

    cls: type[Scenario[Any, Any]]
    declaration: Declaration
    plugin: Plugin

    @property
    def params_type(self) -> type:
        """The dataclass of its params."""
        return types_of(self.cls)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginProblem:
    """Something wrong with a plugin.

    Attributes:
        plugin: its name, with its distribution where it has one.
        message: what is wrong.
        hint: what to do; empty if there is nothing to say.
        concerns: names of scenarios that can't be used because of it, as far as they are known.
    """

    plugin: str
    message: str
    hint: str = ""
    concerns: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """The plugins found, and what they provide.

    Attributes:
        manager: holds the plugins' hooks, to be called as ``manager.hook.…``.
        scenarios: by name.
        executors: factories by name.
        problems: what is wrong, as warnings.
        notices: what a user should know, such as that one scenario replaces another of the same name.
    """

    manager: pluggy.PluginManager
    scenarios: Mapping[str, RegisteredScenario]
    executors: Mapping[str, Callable[..., Any]]
    problems: tuple[PluginProblem, ...]
    notices: tuple[str, ...]

    def scenario(self, name: str) -> RegisteredScenario:
        """Return the scenario of that name.

        Raises:
            PluginError: the plugin that provides it is broken.
            ExperimentError: no plugin provides it; the hint names the nearest.
        """
        if name in self.scenarios:
            return self.scenarios[name]
        for problem in self.problems:
            if name in problem.concerns:
                raise PluginError(f"scenario {name!r} can't be used: {problem}", problem.hint or None)
        near = difflib.get_close_matches(name, self.scenarios, 1)
        known = ", ".join(sorted(self.scenarios)) or "none"
        broken = "; a plugin that could not be loaded may provide it" if self.problems else ""
        raise ExperimentError(
            f"there is no scenario {name!r}{broken}",
            f"did you mean {near[0]!r}?" if near else f"installed scenarios: {known}",
        )


class _Manager(pluggy.PluginManager):
    """A plugin manager that knows a hook by its name, as pytest does, so that plugins need no pluggy."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        options = super().parse_hookimpl_opts(plugin, name)
        if options is None and name in _HOOKS and inspect.isroutine(inspect.getattr_static(plugin, name)):
            return pluggy.HookimplOpts(
                wrapper=False,
                hookwrapper=False,
                optionalhook=False,
                tryfirst=False,
                trylast=False,
                specname=None,
            )
        return options


_HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith(_PREFIX))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A plugin that may or may not load."""

    name: str
    distribution: str
    version: str
    file: Path | None
    load: Callable[[], object]


def load_registry(files: Sequence[Path] = ()) -> Registry:
    """Load the installed plugins and those given as files.

    Raises:
        PluginError: a file asked for by ``--plugin`` can't be loaded or provides nothing.
    """
    loading = _Loading()
    with contextlib.redirect_stdout(sys.stderr):  # what a plugin prints is no data of ours
        for file in {file.resolve(): file for file in files}.values():
            loading.load(_file_candidate(file))
            if loading.problems:
                problem = loading.problems[0]
                raise PluginError(str(problem), problem.hint or None)
        for candidate in _installed():
            loading.load(candidate)
    return loading.finish()


def empty_registry() -> Registry:
    """Return a registry without any plugin, for what is registered by hand."""
    return _Loading().finish()


def _installed() -> Iterator[_Candidate]:
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        dist = entry.dist
        name, version = ("", "") if dist is None else identity_of(dist)
        yield _Candidate(entry.name, name, version, None, entry.load)


def _file_candidate(file: Path) -> _Candidate:
    if not file.is_file():
        raise PluginError(f"{file}: there is no such file", "give --plugin the path of a Python file")
    return _Candidate(str(file), "", "", file, lambda: _load_file(file.resolve()))


def _load_file(file: Path) -> ModuleType:
    """Import one file under a module name of its own, so that it hides no other module."""
    stem = "".join(char if char.isalnum() else "_" for char in file.stem)
    name = f"mprunner_plugin_{stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file", "its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


class _Loading:
    """The registry while it is being filled."""

    def __init__(self) -> None:
        self.manager = _Manager(hookspecs.PROJECT)
        self.manager.add_hookspecs(hookspecs)
        self.problems: list[PluginProblem] = []
        self._found: dict[str, list[RegisteredScenario]] = {}
        self._executors: dict[str, Callable[..., Any]] = {}
        self._executor_owners = {BUILT_IN_EXECUTOR: "mprunner"}
        self._notices: list[str] = []

    def load(self, candidate: _Candidate) -> None:
        """Load one plugin; whatever goes wrong becomes a problem."""
        shown = candidate.name
        if candidate.distribution:
            shown = f"{candidate.name} ({candidate.distribution} {candidate.version})"
        implementation = None
        try:
            implementation = candidate.load()
            if self.manager.is_registered(implementation):
                return
            self.manager.register(implementation, name=shown)
            self._check_hooks(shown, candidate.name, implementation)
            for factories in self._returned(implementation, "mprunner_register_executors", Mapping):
                self._take_executors(factories, shown, candidate.name)
            for classes in self._returned(implementation, "mprunner_register_scenarios", list | tuple):
                for cls in classes:
                    self._take_scenario(cls, _plugin(candidate, implementation), shown)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's code can raise anything
            self.problems.append(_problem(shown, candidate.name, error))
            if self.manager.is_registered(implementation):
                self.manager.unregister(implementation)

    def _check_hooks(self, shown: str, name: str, implementation: object) -> None:
        callers = self.manager.get_hookcallers(implementation) or []
        unknown = {caller.name for caller in callers if not caller.has_spec()}  # marked as a hook
        for attribute in dir(implementation):
            if attribute.startswith(_PREFIX) and inspect.isroutine(getattr(implementation, attribute)):
                unknown |= {attribute} - _HOOKS - _specnamed(implementation, attribute)
        for hook in sorted(unknown):
            near = difflib.get_close_matches(hook, _HOOKS, 1)
            hint = f"did you mean {near[0]}?" if near else f"the hooks are {', '.join(sorted(_HOOKS))}"
            self._complain(shown, name, f"there is no hook {hook}", hint)
        if not callers:
            hint = "define mprunner_register_scenarios() and return your scenario classes from it"
            self._complain(shown, name, "it has no hook, so it provides nothing", hint)

    def _complain(self, shown: str, name: str, message: str, hint: str) -> None:
        self.problems.append(
            PluginProblem(plugin=shown, message=message, hint=hint, concerns=frozenset({name}))
        )

    def _returned(self, implementation: object, hook: str, kind: Any) -> Iterator[Any]:
        """Call one plugin's own implementations of a hook, so that a fault is that plugin's."""
        for own in getattr(self.manager.hook, hook).get_hookimpls():
            if own.plugin is implementation:
                try:
                    value = own.function()
                except Exception as error:
                    raise PluginError(f"{hook}() raised {type(error).__name__}: {error}") from error
                if not isinstance(value, kind):
                    wanted = "mapping" if kind is Mapping else "list"
                    raise PluginError(f"{hook}() returned {type(value).__name__}, not a {wanted}")
                yield value

    def _take_executors(self, factories: Mapping[str, Callable[..., Any]], shown: str, plugin: str) -> None:
        for name, factory in factories.items():
            if (owner := self._executor_owners.setdefault(name, shown)) != shown:
                self._complain(
                    shown, plugin, f"executor {name!r} is provided by {owner} already", "rename it"
                )
            else:
                self._executors[name] = factory

    def _take_scenario(self, cls: type[Scenario[Any, Any]], plugin: Plugin, shown: str) -> None:
        try:
            declaration = _checked_declaration(cls)
        except Exception as error:  # its annotations and its class are a plugin's code too
            self.problems.append(_problem(shown, str(getattr(cls, "name", "")), error))
            return
        found = RegisteredScenario(cls=cls, declaration=declaration, plugin=plugin)
        self._found.setdefault(declaration.name, []).append(found)

    def finish(self) -> Registry:
        """Settle which scenario has which name; a name that two plugins claim belongs to neither."""
        scenarios: dict[str, RegisteredScenario] = {}
        for name, found in self._found.items():
            given = [scenario for scenario in found if scenario.plugin.file is not None]
            claims = given or found
            if len(claims) > 1:
                both = " and ".join(str(scenario.plugin) for scenario in claims)
                self.problems.append(
                    PluginProblem(
                        plugin=str(claims[1].plugin),
                        message=f"scenario {name!r} is provided by both {both}",
                        hint="uninstall one of them, or rename its scenario",
                        concerns=frozenset({name}),
                    )
                )
                continue
            scenarios[name] = claims[0]
            if given and len(found) > 1:
                hidden = ", ".join(str(scenario.plugin) for scenario in found if scenario not in given)
                self._notices.append(
                    f"scenario {name!r} from {given[0].plugin} stands in for that of {hidden}"
                )
        return Registry(
            manager=self.manager,
            scenarios=scenarios,
            executors=self._executors,
            problems=tuple(self.problems),
            notices=tuple(self._notices),
        )


def _specnamed(implementation: object, name: str) -> set[str]:
    """Return the name, if its function is marked to implement a hook of another (``hookimpl(specname=…)``)."""
    options = getattr(getattr(implementation, name), f"{hookspecs.PROJECT}_impl", None)
    return {name} if options and options.get("specname") else set()


def _checked_declaration(cls: type[Scenario[Any, Any]]) -> Declaration:
    """Return a scenario's declaration.

    Raises:
        PluginError: it is no scenario, a name collides with a column, or the class can't be imported by name.
    """
    if not (isinstance(cls, type) and issubclass(cls, Scenario)):
        raise PluginError(f"mprunner_register_scenarios() returned {cls!r}, which is no Scenario class")
    declaration = declare(cls)
    for field in (*declaration.params, *declaration.metrics, *(declaration.sample or ())):
        if field.name in RESERVED_COLUMNS:
            raise PluginError(
                f"scenario {declaration.name!r}: {field.name!r} is the name of a column of mprunner's own",
                "rename the param, metric or sample field",
            )
    check_summary(declaration.summary, declaration.metrics, declaration.outcomes)
    try:
        found: object = sys.modules[cls.__module__]
        for part in cls.__qualname__.split("."):
            found = getattr(found, part)
    except (KeyError, AttributeError):
        found = None
    if found is not cls:
        raise PluginError(
            f"scenario {declaration.name!r}: class {cls.__qualname__} can't be imported from {cls.__module__}",
            "define it at the top of the module, where the worker finds it",
        )
    return declaration


def _plugin(candidate: _Candidate, implementation: object) -> Plugin:
    # a module has no __module__; a class and an instance name the module that they are from
    module = str(getattr(implementation, "__module__", None) or getattr(implementation, "__name__", ""))
    return Plugin(
        name=candidate.name,
        distribution=candidate.distribution,
        version=candidate.version,
        module=module,
        file=str(candidate.file.resolve()) if candidate.file else None,
        source_hash=source_hash(sys.modules.get(module)),
    )


def _problem(shown: str, name: str, error: BaseException) -> PluginProblem:
    hint = ""
    if isinstance(error, MprunnerError):
        message, hint = error.message, error.hint or ""
    elif isinstance(error, pluggy.PluginValidationError):  # several lines: plugin and hook, signature, fault
        message = "; ".join(str(error).splitlines())
    elif isinstance(error, SystemExit):
        message = f"it exits when it is loaded, with {error.code!r}"
    else:
        message = f"it can't be loaded: {type(error).__name__}: {error}"
    return PluginProblem(plugin=shown, message=message, hint=hint, concerns=frozenset({name}))
