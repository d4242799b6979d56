"""What a scenario sets up before the first trial."""

import pytest

from mprunner import run
from mprunner.errors import ExperimentError

PLUGIN = """
from dataclasses import dataclass
from mprunner.scenario import Scenario

class NotThere(Exception): pass

@dataclass(frozen=True, kw_only=True)
class Params:
    what: str = "x"

@dataclass(frozen=True, kw_only=True)
class Metrics:
    n: int

class Prepared(Scenario[Params, Metrics]):
    name = "prepared"
    set_up_params = ("what",)

    def set_up(self, params, folder):
        {}

    def run(self, params, trial):
        return Metrics(n=1)

def mprunner_register_scenarios():
    return [Prepared]
"""


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('raise NotThere("there is no x: look elsewhere")', "there is no x: look elsewhere"),
        ("{}[params.what]", "KeyError: 'x'"),
        ("raise ValueError", "ValueError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_what_a_set_up_raised_is_told_with_its_type_where_the_message_alone_says_little(tmp_path, code, told):
    (tmp_path / "plugin.py").write_text(PLUGIN.format(code))
    (tmp_path / "file.yaml").write_text("scenario: prepared\n")
    with pytest.raises(ExperimentError) as raised:
        run(tmp_path / "file.yaml", plugins=[tmp_path / "plugin.py"], results=tmp_path / "results")
    assert raised.value.message.endswith(f"file.yaml: {told}")


NEEDY = PLUGIN.replace('"x"', '"x"\n    extra: str = "none"').replace(
    "    def set_up",
    '    needs = {{"extra": {{"much": "no_such_package", "little": "json"}}}}\n\n    def set_up',
)


@pytest.mark.parametrize("what", ["x", "null"])
def test_a_package_that_a_value_needs_is_named_before_the_first_trial(tmp_path, what):
    plugin = NEEDY.replace("what: str =", "what: str | None =").format("pass")
    (tmp_path / "plugin.py").write_text(plugin)
    (tmp_path / "file.yaml").write_text(
        f"scenario: prepared\nparams: {{what: {what}}}\nsweep: {{extra: [none, little, much]}}\n"
    )
    with pytest.raises(
        ExperimentError, match=r"extra: much needs the package no_such_package, which .* can't find$"
    ):
        run(tmp_path / "file.yaml", plugins=[tmp_path / "plugin.py"], results=tmp_path / "results")


def test_what_many_trials_need_is_set_up_once_though_they_need_other_packages(tmp_path):
    counting = "(folder / 'made').touch(exist_ok=False); open({!r}, 'a').write('x')".format(
        str(tmp_path / "count")
    )
    (tmp_path / "plugin.py").write_text(NEEDY.format(counting))
    (tmp_path / "file.yaml").write_text("scenario: prepared\nsweep: {extra: [none, little]}\nrepeats: 1\n")
    done = run(tmp_path / "file.yaml", plugins=[tmp_path / "plugin.py"], results=tmp_path / "results")
    assert (tmp_path / "count").read_text() == "x"
    assert list(done.trials.status) == ["ok", "ok"]
