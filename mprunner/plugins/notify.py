"""Calls the hooks by which plugins learn of a run."""

import copy
import json
from typing import Any

from mprunner.plugins.registry import Registry


class Notifier:
    """Calls hooks, each plugin's by itself: one that raises is noted, and stops neither the run nor the others."""

    def __init__(self, registry: Registry) -> None:
        self.errors: list[str] = []
        self._manager = registry.manager
        self._callers: dict[str, list[tuple[str, Any]]] = {}

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

    def _of(self, hook: str) -> list[tuple[str, Any]]:
        if hook not in self._callers:
            implementations = getattr(self._manager.hook, hook).get_hookimpls()
            plugins = [implementation.plugin for implementation in implementations]
            self._callers[hook] = [
                (
                    str(self._manager.get_name(plugin)),
                    self._manager.subset_hook_caller(
                        hook, [other for other in plugins if other is not plugin]
                    ),
                )
                for plugin in reversed(plugins)
            ]
        return self._callers[hook]

    def _note(self, plugin: str, hook: str, what: str) -> None:
        message = f"{plugin}: {hook}: {what}"
        if message not in self.errors:
            self.errors.append(message)
