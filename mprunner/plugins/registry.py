"""Finds and loads plugins, and calls their hooks, one by one, so that a broken one never stops another.

What is wrong with a plugin becomes a :class:`PluginProblem`: a warning, unless the experiment needs what that
plugin provides.
"""

import contextlib
import copy
import hashlib
import importlib.util
import inspect
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from mprunner.errors import ExperimentError, MprunnerError, PluginError
from mprunner.model.columns import RESERVED
from mprunner.model.declaration import Declaration, declare, types_of
from mprunner.model.provenance import ONE_FILE, identity_of, source_hash
from mprunner.model.relevance import check_conditions
from mprunner.model.summary_sentence import check_summary
from mprunner.model.text import nearest
from mprunner.model.variants import VARIANT
from mprunner.plugins import hookspecs
from mprunner.scenario import Scenario

BUILT_IN_EXECUTOR = "local"
_PREFIX = "mprunner_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """Where scenarios come from.

    Attributes:
        name: of its entry point, or its file's path.
        distribution: the installed package that it belongs to; empty for a file.
        version: that package's version; empty for a file.
        module: the module that provides it; empty until it is loaded.
        file: its file, for a plugin given by ``--plugin``.
        source_hash: sha256 of the source of its module and its package, so that a change of code is seen; empty if
            unreadable, and until it is loaded.
    """

    name: str
    distribution: str = ""
    version: str = ""
    module: str = ""
    file: str | None = None
    source_hash: str = ""

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
        concerns: the name of the scenario that can't be used because of it: a plugin's name, where that is not known.
    """

    plugin: str
    message: str
    hint: str
    concerns: str

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
            if name == problem.concerns:
                raise PluginError(f"scenario {name!r} can't be used: {problem}", problem.hint or None)
        near = nearest(name, self.scenarios)
        known = ", ".join(sorted(self.scenarios)) or "none"
        broken = "; a plugin that could not be loaded may provide it" if self.problems else ""
        raise ExperimentError(
            f"there is no scenario {name!r}{broken}",
            f"did you mean {near!r}?" if near else f"installed scenarios: {known}",
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


Load = Callable[[], object]
"""Imports a plugin and returns what has its hooks: a module, a class or an instance."""


_importing = threading.Lock()  # two threads would give the module of one file to each other, half imported


def load_registry(files: Sequence[Path] = ()) -> Registry:
    """Load the installed plugins and those given as files.

    Raises:
        PluginError: a file asked for by ``--plugin`` can't be loaded or provides nothing.
    """
    loading = _Loading()
    given = [_given(file) for file in {file.resolve(): file for file in files}.values()]
    with _importing:
        for plugin, load in given:
            with _process_as_it_is():
                loading.load(plugin, load)
            if loading.problems:
                problem = loading.problems[0]
                raise PluginError(str(problem), problem.hint or None)
        for plugin, load in _installed():
            with _process_as_it_is():
                loading.load(plugin, load)
    return loading.finish()


@contextlib.contextmanager
def _process_as_it_is() -> Iterator[None]:
    """Undo what a plugin's import does to the whole process: another folder or umask, and output among our data.

    What it prints, by itself or by a program that it starts, goes to stderr.
    """
    with contextlib.ExitStack() as undo:
        with contextlib.suppress(OSError):  # the folder may be gone, or a stream closed
            folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
            undo.callback(os.close, folder)
            undo.callback(os.fchdir, folder)
        umask = os.umask(0o077)
        os.umask(umask)
        undo.callback(os.umask, umask)
        with contextlib.suppress(OSError):
            stdout = os.dup(1)
            undo.callback(os.close, stdout)
            sys.stdout.flush()
            os.dup2(2, 1)
            undo.callback(os.dup2, stdout, 1)
            undo.callback(_flush)
        with contextlib.redirect_stdout(sys.stderr):
            yield


def _flush() -> None:
    if sys.__stdout__ is not None:
        with contextlib.suppress(OSError, ValueError):  # it was closed
            sys.__stdout__.flush()


def empty_registry() -> Registry:
    """Return a registry without any plugin, for what is registered by hand."""
    return _Loading().finish()


def _installed() -> Iterator[tuple[Plugin, Load]]:
    for entry in sorted(metadata.entry_points(group=hookspecs.PROJECT), key=lambda entry: entry.name):
        name, version = ("", "") if entry.dist is None else identity_of(entry.dist)
        yield Plugin(name=entry.name, distribution=name, version=version), entry.load


def _given(file: Path) -> tuple[Plugin, Load]:
    if not file.is_file():
        raise PluginError(f"{file}: there is no such file", "give --plugin the path of a Python file")
    path = file.resolve()
    return Plugin(name=str(file), file=str(path)), lambda: _load_file(path)


def _load_file(file: Path) -> ModuleType:
    """Import one file under a module name of its own, so that it hides no other module.

    Modules beside it are found after all others: by workers and spawned actors too, which get the path from here.
    """
    stem = "".join(char if char.isalnum() else "_" for char in file.stem)
    name = f"{ONE_FILE}{stem}_{hashlib.sha256(str(file).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file", "its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
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

    def load(self, plugin: Plugin, load: Load) -> None:
        """Load one plugin; whatever goes wrong becomes a problem."""
        implementation = None
        try:
            implementation = load()
            if self.manager.is_registered(implementation):
                return
            self.manager.register(implementation, name=str(plugin))
            self._check_hooks(plugin, implementation)
            for factories in self._returned(implementation, "mprunner_register_executors", Mapping):
                self._take_executors(factories, plugin)
            for classes in self._returned(implementation, "mprunner_register_scenarios", list | tuple):
                loaded = _with_source(plugin, implementation)
                for cls in classes:
                    self._take_scenario(cls, loaded)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin's code can raise anything
            self._complain(plugin, *_told(error), plugin.name)
            if self.manager.is_registered(implementation):
                self.manager.unregister(implementation)

    def _check_hooks(self, plugin: Plugin, implementation: object) -> None:
        callers = self.manager.get_hookcallers(implementation) or []
        unknown = {caller.name for caller in callers if not caller.has_spec()}  # marked as a hook
        for attribute in dir(implementation):
            if attribute.startswith(_PREFIX) and inspect.isroutine(getattr(implementation, attribute)):
                unknown |= {attribute} - _HOOKS - _specnamed(implementation, attribute)
        for hook in sorted(unknown):
            near = nearest(hook, sorted(_HOOKS))
            hint = f"did you mean {near}?" if near else f"the hooks are {', '.join(sorted(_HOOKS))}"
            self._complain(plugin, f"there is no hook {hook}", hint, plugin.name)
        if not callers:
            hint = "define mprunner_register_scenarios() and return your scenario classes from it"
            self._complain(plugin, "it has no hook, so it provides nothing", hint, plugin.name)

    def _complain(self, plugin: Plugin, message: str, hint: str, concerns: str) -> None:
        problem = PluginProblem(plugin=str(plugin), message=message, hint=hint, concerns=concerns)
        self.problems.append(problem)

    def _returned(self, implementation: object, hook: str, kind: Any) -> Iterator[Any]:
        """Call one plugin's own implementations of a hook, so that a fault is that plugin's."""
        for own in getattr(self.manager.hook, hook).get_hookimpls():
            if own.plugin is implementation:
                try:
                    value = own.function()
                except Exception as error:
                    raise PluginError(f"{hook}() raised {_in_words(error)}") from error
                if not isinstance(value, kind):
                    wanted, such = (
                        ("mapping", "{name: factory}") if kind is Mapping else ("list", "[MyScenario]")
                    )
                    given = type(value).__name__
                    if isinstance(value, type) and kind is not Mapping:
                        given, such = f"the class {value.__name__}", f"[{value.__name__}]"
                    raise PluginError(f"{hook}() returned {given}, not a {wanted}", f"return {such}")
                yield value

    def _take_executors(self, factories: Mapping[str, Callable[..., Any]], plugin: Plugin) -> None:
        for name, factory in factories.items():
            if (owner := self._executor_owners.setdefault(name, str(plugin))) != str(plugin):
                message = f"executor {name!r} is provided by {owner} already"
                self._complain(plugin, message, "rename it", plugin.name)
            else:
                self._executors[name] = factory

    def _take_scenario(self, cls: type[Scenario[Any, Any]], plugin: Plugin) -> None:
        try:
            declaration = _checked_declaration(cls)
        except Exception as error:  # its annotations and its class are a plugin's code too
            self._complain(plugin, *_told(error), str(getattr(cls, "name", "")))
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
                message = f"scenario {name!r} is provided by both {both}"
                hint = "uninstall one of them, or rename its scenario"
                self._complain(claims[1].plugin, message, hint, name)
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


def _checked_declaration(cls: object) -> Declaration:
    """Return a scenario's declaration.

    Raises:
        PluginError: it is no scenario, a name collides with a column, or the class can't be imported by name.
    """
    if not (isinstance(cls, type) and issubclass(cls, Scenario)):
        hint = f"return the class {type(cls).__name__}, without ()" if isinstance(cls, Scenario) else None
        raise PluginError(f"mprunner_register_scenarios() returned {cls!r}, which is no Scenario class", hint)
    declaration = declare(cls)
    for field in (*declaration.params, *declaration.metrics, *(declaration.sample or ())):
        if field.name in RESERVED or field.name == VARIANT:
            raise PluginError(
                f"scenario {declaration.name!r}: {field.name!r} is the name of a column of mprunner's own",
                "rename the param, metric or sample field",
            )
    check_summary(declaration.summary, declaration.metrics, declaration.outcomes, declaration.params)
    check_conditions(declaration.params, declaration.name)
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


def _with_source(plugin: Plugin, implementation: object) -> Plugin:
    # a module has no __module__; a class and an instance name the module that they are from
    module = str(getattr(implementation, "__module__", None) or getattr(implementation, "__name__", ""))
    return replace(plugin, module=module, source_hash=source_hash(sys.modules.get(module)))


def _told(error: BaseException) -> tuple[str, str]:
    """Return what an error of a plugin says, and a hint."""
    if isinstance(error, MprunnerError):
        return error.message, error.hint or ""
    if isinstance(error, pluggy.PluginValidationError):  # several lines: plugin and hook, signature, fault
        return "; ".join(str(error).splitlines()), ""
    if isinstance(error, SystemExit):
        return f"it exits when it is loaded, with {error.code!r}", ""
    hint = ""
    if isinstance(error, ModuleNotFoundError) and error.name:
        hint = f"install {error.name.partition('.')[0]} where mprunner is, or put it beside the plugin's file"
    return f"it can't be loaded: {_in_words(error)}", hint


def _in_words(error: BaseException) -> str:
    """Return the type and message of an error of a plugin's code, and the last line of that code on its way."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and frame.filename not in _LOADING
    ]
    said = f"{type(error).__name__}: {error}"
    if not frames:
        return said
    folder = os.path.dirname(frames[0].filename)
    own = [frame for frame in frames if frame.filename.startswith(folder)][-1]
    return f"{said} ({own.filename}:{own.lineno})"


_LOADING = (__file__, importlib.__file__, metadata.__file__)


class Notifier:
    """Calls hooks, each plugin's by itself: one that raises is noted, and stops neither the run nor the others."""

    def __init__(self, registry: Registry) -> None:
        self.errors: list[str] = []
        self._manager = registry.manager

    def all(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a hook of every plugin; return the answers with the plugins' names."""
        answers = []
        for name, caller in self._of(hook):
            try:
                given = {key: copy.deepcopy(v) if isinstance(v, dict) else v for key, v in arguments.items()}
                answers += [(name, answer) for answer in caller(**given)]
            except (Exception, SystemExit) as error:  # a plugin's code can raise anything
                self._note(name, hook, f"{type(error).__name__}: {error}")
        return answers

    def facts(self) -> dict[str, Any]:
        """Return what plugins say of the machine, by plugin; what JSON can't hold is left out and noted."""
        facts = {}
        for name, answer in self.all("mprunner_environment"):
            try:
                facts[name] = json.loads(json.dumps(answer, allow_nan=False))
            except (TypeError, ValueError, RecursionError) as error:
                self._note(name, "mprunner_environment", f"its answer is no JSON: {error}")
        return facts

    def _of(self, hook: str) -> Iterator[tuple[str, Any]]:
        """Yield the plugins that have a hook, by name, each with what calls its implementation alone."""
        plugins = [found.plugin for found in getattr(self._manager.hook, hook).get_hookimpls()]
        for plugin in reversed(plugins):
            others = [other for other in plugins if other is not plugin]
            yield str(self._manager.get_name(plugin)), self._manager.subset_hook_caller(hook, others)

    def _note(self, plugin: str, hook: str, what: str) -> None:
        message = f"{plugin}: {hook}: {what}"
        if message not in self.errors:
            self.errors.append(message)
