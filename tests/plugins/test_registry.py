"""Finding and loading plugins, by real entry points and files: one that is broken never stops another."""

import queue
import sys
import tomllib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mprunner.errors import ExperimentError, PluginError
from mprunner.plugins.registry import Registry, load_registry
from mprunner_scenarios.race_bank import RaceBank
from tests.support import ROOT
from tests.support import install as install_distribution

TYPES = """
from dataclasses import make_dataclass
from typing import Annotated
from mprunner.scenario import Scenario, When
Params = make_dataclass("Params", [("size", int, 1)])
Metrics = make_dataclass("Metrics", [("wall_s", float)])
"""


def scenario(name: str, body: str = "", types: str = "Params, Metrics") -> str:
    """Return the source of a scenario class called Toy."""
    return f"""{TYPES}
class Toy(Scenario[{types}]):
    name = "{name}"
    {body}
    def run(self, params, trial): pass
"""


def toy(name: str, body: str = "", **options: str) -> str:
    """Return the source of a plugin that provides one scenario."""
    return scenario(name, body, **options) + "def mprunner_register_scenarios(): return [Toy]\n"


Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module and its entry point, whose name is the distribution's."""
    before = set(sys.modules)

    def add(name: str, source: str, *, target: str = "{module}") -> str:
        module = f"plugin_{uuid.uuid4().hex}"
        folder = tmp_path / f"site-{name}"
        install_distribution(folder, name, "1.0", {name: target.format(module=module)})
        (folder / f"{module}.py").write_text(source)
        monkeypatch.syspath_prepend(folder)
        return module

    yield add
    for module in set(sys.modules) - before:
        if module.startswith(("plugin_", "mprunner_plugin_")):
            del sys.modules[module]


@pytest.fixture
def file_of(tmp_path: Path, install: Install) -> Callable[..., Path]:
    """Write a plugin's file."""

    def write(source: str, name: str = "mine.py") -> Path:
        file = tmp_path / name
        file.write_text(source)
        return file

    return write


def said(registry: Registry) -> list[str]:
    return [str(problem) for problem in registry.problems]


def test_a_scenario_is_known_by_its_name_with_what_it_declares_and_where_it_is_from(install):
    module = install("good", toy("good-one"))
    registry = load_registry()
    found = registry.scenario("good-one")
    assert said(registry) == []
    assert str(found.plugin) == "good (good 1.0)"
    assert (found.plugin.module, found.plugin.file, len(found.plugin.source_hash)) == (module, None, 64)
    assert found.params_type is sys.modules[module].Params
    assert [field.name for field in found.declaration.params] == ["size"]


def test_the_source_hash_changes_with_the_source(install):
    install("aa", toy("aa"))
    install("bb", toy("bb") + "# more\n")
    scenarios = load_registry().scenarios
    assert scenarios["aa"].plugin.source_hash != scenarios["bb"].plugin.source_hash


REGISTER = "def mprunner_register_scenarios(): return "


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise LookupError('no license')", "it can't be loaded: LookupError: no license"),
        ("import sys; sys.exit(3)", "it exits when it is loaded, with 3"),
        ("import no_such_module_at_all", "it can't be loaded: ModuleNotFoundError: No module named"),
        ("x = (", "it can't be loaded: SyntaxError: '(' was never closed"),
        (REGISTER + "1 / 0", "mprunner_register_scenarios() raised ZeroDivisionError: division by zero"),
        (REGISTER + "7", "mprunner_register_scenarios() returned int, not a list"),
        (REGISTER + "{}", "mprunner_register_scenarios() returned dict, not a list"),
        (REGISTER + "['x']", "mprunner_register_scenarios() returned 'x', which is no Scenario class"),
        (REGISTER + "[int]", "mprunner_register_scenarios() returned <class 'int'>, which is no"),
        ("def mprunner_register_executors(): return []", "mprunner_register_executors() returned list, not"),
    ],
)
def test_a_broken_plugin_is_named_with_its_reason_and_stops_no_other(install, source, reason):
    install("aa-good", toy("aa-good"))
    install("broken", source)
    install("zz-good", toy("zz-good"))
    registry = load_registry()
    assert {"aa-good", "zz-good"} <= set(registry.scenarios)
    (problem,) = said(registry)
    assert problem.startswith(f"plugin broken (broken 1.0): {reason}")


def test_asking_for_what_a_broken_plugin_s_entry_point_names_tells_the_reason(install):
    module = install("wanted", "\nraise LookupError('no license')")
    reason = (
        rf"plugin wanted \(wanted 1\.0\): it can't be loaded: LookupError: no license \(.*/{module}\.py:2\)"
    )
    with pytest.raises(PluginError, match=rf"^scenario 'wanted' can't be used: {reason}$") as caught:
        load_registry().scenario("wanted")
    assert caught.value.exit_code == 4


def test_a_broken_plugin_is_no_longer_called(install):
    """Its other hooks would belong to a plugin that, as the user reads, can't be used."""
    install("broken", "def mprunner_environment(): return {}\ndef mprunner_register_scenarios(): 1 / 0")
    assert {} not in load_registry().manager.hook.mprunner_environment()


def test_one_broken_scenario_leaves_the_others_of_its_plugin(install):
    bad = "class Bad(Scenario): name = 'bad'\ndef mprunner_register_scenarios(): return [Bad, Toy]"
    install("mixed", scenario("fine") + bad)
    registry = load_registry()
    assert "fine" in registry.scenarios
    with pytest.raises(PluginError, match=r"^scenario 'bad' can't be used: .* does not say what its params"):
        registry.scenario("bad")


def test_two_scenarios_of_one_name_are_refused_and_both_named(install):
    install("first", toy("same"))
    install("second", toy("same"))
    registry = load_registry()
    assert said(registry) == [
        "plugin second (second 1.0): scenario 'same' is provided by both first (first 1.0) and second (second 1.0)"
    ]
    with pytest.raises(
        PluginError, match=r"^scenario 'same' can't be used: .* both first .* and second "
    ) as caught:
        registry.scenario("same")
    assert (caught.value.exit_code, caught.value.hint) == (4, "uninstall one of them, or rename its scenario")


def test_one_module_behind_two_entry_points_is_one_plugin(install):
    module = install("first", toy("same"))
    install("second", "", target=module)
    registry = load_registry()
    assert said(registry) == []
    assert str(registry.scenario("same").plugin) == "first (first 1.0)"


@pytest.mark.parametrize(
    ("name", "hint"), [("god-one", "did you mean 'good-one'?"), ("zzzzzzzz", "installed scenarios: good-one")]
)
def test_an_unknown_scenario_is_an_error_of_the_experiment_that_names_the_nearest_or_all(install, name, hint):
    install("good", toy("good-one"))
    with pytest.raises(ExperimentError, match=rf"^there is no scenario '{name}'$") as caught:
        load_registry().scenario(name)
    assert caught.value.exit_code == 2
    assert (caught.value.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("source", "said", "hint"),
    [
        (scenario("x") + REGISTER + "Toy", "returned the class Toy, not a list", "return [Toy]"),
        (REGISTER + "None", "returned NoneType, not a list", "return [MyScenario]"),
        (scenario("x") + REGISTER + "[Toy()]", "is no Scenario class", "return the class Toy, without ()"),
        ("def mprunner_register_executors(): return []", "not a mapping", "return {name: factory}"),
    ],
)
def test_a_hook_that_returns_something_else_is_told_what_to_return(file_of, source, said, hint):
    with pytest.raises(PluginError, match=said) as caught:
        load_registry([file_of(source)])
    assert caught.value.hint == hint


def test_an_error_in_a_plugin_s_code_is_told_with_the_last_line_of_that_code(file_of, tmp_path):
    file_of("import json\n\ndef read():\n    return json.loads('{')\n", "helper_that_fails.py")
    file = file_of("import helper_that_fails\nhelper_that_fails.read()\n")
    with pytest.raises(PluginError, match=rf" \({tmp_path}/helper_that_fails\.py:4\)$"):
        load_registry([file])


def test_a_module_that_is_not_there_is_told_with_the_line_and_where_to_put_it(file_of):
    file = file_of("x = 1\nfrom no_such_helper.part import x\n")
    with pytest.raises(PluginError, match=rf"No module named 'no_such_helper' \({file}:2\)$") as caught:
        load_registry([file])
    assert caught.value.hint == "install no_such_helper where mprunner is, or put it beside the plugin's file"


def test_a_module_beside_a_plugin_s_file_is_found_after_all_others(file_of, tmp_path):
    file_of("name = 'beside'\n", "helper_beside.py")
    file_of("raise RuntimeError('hides the standard library')\n", "colorsys.py")
    load_registry([file_of("import colorsys, helper_beside\n" + toy("in-file"))])
    assert sys.path[-1] == str(tmp_path)


MARK = "import mprunner\n@mprunner.hookimpl\n"
FINISH = "def mprunner_trial_finish(record): pass\ndef mprunner_environment(): return {}"
PROVIDE = "define mprunner_register_scenarios() and return your"


@pytest.mark.parametrize(
    ("source", "problem", "hint"),
    [
        (FINISH, "there is no hook mprunner_trial_finish", "did you mean mprunner_trial_finished?"),
        (MARK + FINISH, "there is no hook mprunner_trial_finish", "did you mean mprunner_trial_finished?"),
        (f"{MARK}def register_scenarios(): return []", "there is no hook register_scenarios", ""),
        ("x = 1", "it has no hook, so it provides nothing", PROVIDE),
    ],
)
def test_a_misspelt_hook_or_none_is_told_with_what_may_be_meant(install, source, problem, hint):
    install("typo", source)
    registry = load_registry()
    assert said(registry) == [f"plugin typo (typo 1.0): {problem}"]
    assert (registry.problems[0].hint or "").startswith(hint)


def test_a_hook_with_a_wrong_argument_names_plugin_hook_signature_and_fault(install):
    install("args", "def mprunner_run_started(run, planed): pass")
    (problem,) = said(load_registry())
    assert problem.startswith(
        "plugin args (args 1.0): Plugin 'args (args 1.0)' for hook 'mprunner_run_started'; "
    )
    assert "mprunner_run_started(run, planed)" in problem
    assert "Argument(s) {'planed'} are declared in the hookimpl but" in problem


def test_a_hook_may_take_fewer_arguments_than_it_could(install):
    install("few", "seen = []\ndef mprunner_trial_finished(done): seen.append(done)")
    registry = load_registry()
    assert said(registry) == []
    registry.manager.hook.mprunner_trial_finished(record=None, done=3, planned=9, following=None)
    assert registry.manager.get_plugin("few (few 1.0)").seen == [3]


def test_a_hook_s_options_are_honoured(install):
    """Without tryfirst, pluggy calls what was registered last first."""
    install(
        "aa",
        "import mprunner\n@mprunner.hookimpl(tryfirst=True)\ndef mprunner_environment(): return {'a': 1}",
    )
    install("zz", "def mprunner_environment(): return {'z': 1}")
    assert load_registry().manager.hook.mprunner_environment()[:2] == [{"a": 1}, {"z": 1}]


def test_a_marked_function_of_another_name_registers_scenarios(install):
    mark = "import mprunner\n@mprunner.hookimpl(specname='mprunner_register_scenarios')\n"
    install("marked", scenario("marked") + mark + "def mprunner_toys(): return [Toy]")
    registry = load_registry()
    assert said(registry) == []
    assert "marked" in registry.scenarios


def test_an_object_that_is_no_module_can_be_a_plugin(install):
    hook = "class Plug:\n    def mprunner_register_scenarios(self): return [Toy]\nplug = Plug()"
    module = install("object", scenario("of-object") + hook, target="{module}:plug")
    registry = load_registry()
    assert said(registry) == []
    assert registry.scenario("of-object").plugin.module == module


@pytest.mark.parametrize("value", ["7", "'text'", "[1]", "None", "Toy"])
def test_an_attribute_of_a_hook_s_name_that_is_no_function_is_left_alone(install, value):
    install("data", toy("data") + f"mprunner_run_started = mprunner_note = {value}")
    registry = load_registry()
    assert said(registry) == []
    assert "data" in registry.scenarios


COLUMN = "is the name of a column of mprunner's own"
MADE = "make_dataclass('Made', [('{}', {})])".format


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"body": "sample = int"}, "sample is <class 'int'> (type), which is no dataclass"),
        ({"body": "summary = '{wall_s:mean}'"}, "{wall_s:mean} asks for no known statistic"),
        ({"body": "summary = '{cost:max}'"}, "'cost' is no metric of the scenario"),
        ({"body": "summary = '{'"}, "summary '{': "),
        ({"body": "summary = 7"}, "it can't be loaded: TypeError"),
        ({"types": f"{MADE('status', 'int')}, Metrics"}, f"'status' {COLUMN}"),
        ({"types": f"{MADE('case_label', 'str')}, Metrics"}, f"'case_label' {COLUMN}"),
        ({"body": "work = ('sise',)"}, "faulty: work names 'sise', which is no param of the scenario"),
        (
            {"body": "baseline = {'sise': 1}"},
            "faulty: baseline names 'sise', which is no param of the scenario",
        ),
        (
            {"body": "baseline = {'size': 'x'}"},
            "faulty: baseline has a value that its param can't have: size is 'x'",
        ),
        (
            {"types": f"{MADE('x', 'Annotated[int, When(y=1)]')}, Metrics"},
            "faulty.x has When(y=…), and there is no such param",
        ),
        ({"types": f"Params, {MADE('share', 'int')}"}, f"'share' {COLUMN}"),
        ({"body": f"sample = {MADE('run_id', 'int')}"}, f"'run_id' {COLUMN}"),
        ({"types": f"Params, {MADE('x', 'list')}"}, "Made.x has the type list, which can't be a column"),
    ],
)
def test_a_scenario_with_a_fault_is_refused_with_its_place(install, options, fault):
    install("faulty", toy("faulty", **options))
    registry = load_registry()
    (problem,) = said(registry)
    assert fault in problem
    assert "faulty" not in registry.scenarios


def test_a_scenario_made_in_a_function_is_refused_because_no_worker_could_import_it(install):
    source = "\n    ".join(scenario("hidden").splitlines())
    module = install("hidden", f"def mprunner_register_scenarios():\n    {source}\n    return [Toy]")
    (problem,) = said(load_registry())
    assert problem.endswith(f"Toy can't be imported from {module}")


def test_a_file_is_loaded_under_a_module_name_of_its_own(file_of):
    """A file that is named like a module of the standard library hides nothing."""
    file = file_of("import queue as standard\nassert standard.Queue\n" + toy("in-file"), "queue.py")
    found = load_registry([file]).scenario("in-file")
    assert found.plugin.module.startswith("mprunner_plugin_queue_")
    assert (found.plugin.file, str(found.plugin)) == (str(file), str(file))
    assert found.cls.__module__ == found.plugin.module
    assert sys.modules["queue"] is queue


def test_files_of_one_name_in_two_folders_are_two_plugins(file_of, tmp_path):
    (tmp_path / "a").mkdir()
    files = [file_of(toy("in-a"), "a/x.py"), file_of(toy("in-root"), "x.py")]
    assert {"in-a", "in-root"} <= set(load_registry(files).scenarios)


def test_a_file_given_twice_is_one_plugin(file_of, tmp_path):
    file = file_of(toy("in-file"))
    assert "in-file" in load_registry([file, tmp_path / "." / "mine.py", file]).scenarios


def test_a_file_wins_over_an_installed_plugin_and_says_so(install, file_of):
    install("installed", toy("same"))
    file = file_of(toy("same"))
    registry = load_registry([file])
    assert registry.scenario("same").plugin.file == str(file)
    assert registry.notices == (
        f"scenario 'same' from {file} stands in for that of installed (installed 1.0)",
    )
    assert said(registry) == []


@pytest.mark.parametrize(
    ("name", "source", "reason", "hint"),
    [
        ("gone.py", None, "{}: there is no such file", "give --plugin the path of a Python file"),
        ("notes.txt", "x", "plugin {0}: {0} is not a Python file", "its name must end in .py"),
        (
            "bad.py",
            "1 / 0",
            "plugin {0}: it can't be loaded: ZeroDivisionError: division by zero ({0}:1)",
            "",
        ),
        ("quits.py", "raise SystemExit", "plugin {}: it exits when it is loaded, with None", ""),
        ("idle.py", "", "plugin {}: it has no hook, so it provides nothing", "define mprunner_register_"),
    ],
)
def test_a_file_that_can_not_be_used_is_an_error(file_of, tmp_path, name, source, reason, hint):
    file = tmp_path / name if source is None else file_of(source, name)
    with pytest.raises(PluginError) as caught:
        load_registry([file])
    assert caught.value.message == reason.format(file)
    assert (caught.value.hint or "").startswith(hint)


def test_every_bundled_module_has_one_entry_point_and_the_other_way_round():
    entries = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["mprunner"]
    bundled = (ROOT / "plugins" / "mprunner_scenarios").glob("*.py")
    modules = [path.stem for path in bundled if path.stem != "__init__"]
    assert sorted(entries.values()) == sorted(f"mprunner_scenarios.{module}" for module in modules)
    assert entries["race-bank"] == RaceBank.__module__


EXECUTOR = "def mprunner_register_executors(): return {%r: lambda source: None}\n"


def test_an_executor_s_name_belongs_to_the_first_and_both_are_named(install):
    for name, provides in {"one": "grid", "thief": "local", "two": "grid"}.items():
        install(name, EXECUTOR % provides)
    registry = load_registry()
    assert set(registry.executors) == {"grid"}
    first, second = said(registry)
    assert "executor 'local' is provided by mprunner already" in first
    assert second.startswith("plugin two (two 1.0): executor 'grid' is provided by one (one 1.0)")
