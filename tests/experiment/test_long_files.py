"""Files near the limits are read, or refused, in seconds."""

import pytest

from mprunner.errors import ExperimentError
from mprunner.experiment import read_experiment
from tests.experiment.scenarios import scenario_of

NUMBERS = ",".join(map(str, range(9_000)))
OTHERS = ",".join(map(str, range(50_000, 59_000)))
BLOCKS = "".join(f"- {{transactions: {number}}}\n" for number in range(6_000))
EXPECT = "expect: [{metric: lost_updates, max: 0, where: {transactions: [%s]}}]\n"


@pytest.mark.timeout(60)  # the longest takes 3 s on an idle machine; what is quadratic takes minutes
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            f"sweep: {{transactions: [{NUMBERS}]}}\n{EXPECT % OTHERS}", id="a where that nothing matches"
        ),
        pytest.param(f"sweep:\n{BLOCKS}{EXPECT % NUMBERS}", id="a where of many blocks"),
        *(
            pytest.param(text, id=name, marks=pytest.mark.slow)
            for name, text in {
                "nested lists": "params: [" + ("[" * 30 + "]" * 30 + ",") * 3_100 + "]\n",
                "the same key": "seed: 1\n" * 30_000,
                "keys that are no text": "1: a\n" * 40_000,
                "lists for values": "params:\n" + "".join(f" {i:x}: []\n" for i in range(0xA0000, 0xA4E20)),
                "mistyped params": "params:\n" + "".join(f"  gard{i}: 1\n" for i in range(9_000)),
                "empty rules": "outcomes:\n" + "".join(f"  a{i}: [{{}}]\n" for i in range(10_000)),
                "an error at the end": "x:\n" + "- {a: 1, b: 2}\n" * 15_000 + "]",
            }.items()
        ),
    ],
)
def test_a_file_near_the_limits_takes_seconds(tmp_path, text):
    file = tmp_path / "long.yaml"
    file.write_text(f"scenario: bank\n{text}")
    with pytest.raises(ExperimentError):
        read_experiment(file, scenario_of, usable_cpus=[0])
