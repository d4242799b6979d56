"""From an experiment to its plan: identities that last, seeds, and the order in which trials are executed."""

import time
from collections import Counter
from dataclasses import dataclass, make_dataclass, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mprunner.errors import ExperimentError, NothingSelectedError, PluginError
from mprunner.experiment import Combinations, Experiment
from mprunner.experiment.parser import read_yaml
from mprunner.experiment.plan import Case, Plan, case_id, make_plan, trial_id, trial_seed
from mprunner.model.declaration import declare, fields_of, params_of
from mprunner.model.records import label_of
from tests.experiment.scenarios import Toy, ToyParams


@dataclass(frozen=True, kw_only=True)
class Refusing(ToyParams):
    """No combination will do."""

    def __post_init__(self) -> None:
        raise ValueError("never")


def ids(plan: Plan) -> list[tuple[str, str]]:
    return [(attempt.case_id, attempt.trial_id) for attempt in plan]


# These may change only together with a new major version: they say which trials of an old run are done.
GOLDEN = {
    "": ("3d37fc4f6ebb", "c421a96daf28"),
    "params: {guard: lock, size: 5}": ("bff83a5438ce", "4e39c0a95ed4"),
    "params: {pause_s: 0.5, workers: 3, chunk: 7}\nseed: 2024": ("60f794731770", "33e356e7f961"),
}


@pytest.mark.parametrize("text", GOLDEN)
def test_identities_are_those_of_earlier_versions(planned, text):
    assert ids(planned(f"{text}\nrepeats: 1")) == [GOLDEN[text]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("params: {guard: lock, size: 5}", "params: {size: 5, guard: lock}"),
        ("params: {size: 5}", "params: {size: 5, guard: none, pause_s: 0.0, chunk: null}"),
        ("params: {size: 5}", "params: {size: 5, workers: cpu_count}"),
        ("params: {size: 5}", "params: {size: 5, workers: 2}"),
        ("params: {pause_s: 1.0}", "params: {pause_s: 1}"),
        ("params: {size: 5}", "sweep: {size: [5]}"),
        ("sweep: {size: [5, 6]}", "sweep: [{size: 5}, {size: 6}]"),
        ("repeats: 5", ""),
        ("seed: 0", ""),
        ("cpus: [0, 1]", "cpus: [1, 0]"),
    ],
)
def test_two_ways_of_saying_the_same_are_the_same_trials(planned, one, other):
    assert ids(planned(one)) == ids(planned(other))


@pytest.mark.parametrize(
    "text",
    [
        "repeats: 9",
        "warmup: 2",
        "timeout: 7",
        "order: sequential",
        "order: shuffled",
        "description: another",
        "name: another",
        "on_failure: stop",
        "limits: {memory_per_process: 1GiB, processes: 9, output: 1MiB}",
    ],
)
def test_what_is_no_part_of_the_identity_never_makes_a_finished_trial_new(planned, text):
    sweep = "sweep: {size: [1, 2], guard: [none, lock]}"
    assert set(ids(planned(f"{sweep}\nrepeats: 3"))) < set(ids(planned(f"{sweep}\n{text}")))


def test_the_seed_is_part_of_a_trial_s_identity_but_not_of_a_case_s(planned):
    one, other = (planned(f"seed: {seed}\nrepeats: 1") for seed in (1, 2))
    assert list(one.cases) == list(other.cases)
    assert ids(one) != ids(other)


def test_the_number_of_cpus_is_part_of_the_identity_where_a_param_means_it(planned):
    assert ids(planned("", cpus=2)) != ids(planned("", cpus=4))
    assert ids(planned("params: {workers: 3}", cpus=2)) == ids(planned("params: {workers: 3}", cpus=4))


def test_the_cpus_that_an_experiment_names_are_part_of_the_identity(planned):
    plans = [planned(text) for text in ("", "cpus: [0]", "cpus: [1]", "cpus: [0, 1]")]
    assert len({plan.cases[0].case_id for plan in plans}) == 4


def test_cpu_count_is_resolved_in_every_case_and_its_label(planned):
    plan = planned("sweep: {workers: [1, cpu_count]}", cpus=6)
    assert [(case.params["workers"], case.label) for case in plan.cases] == [
        (1, "workers 1"),
        (6, "workers 6"),
    ]


def test_a_case_has_every_param_in_the_order_of_its_dataclass(planned):
    (case,) = planned("params: {guard: lock, size: 5}").cases
    params = {"size": 5, "guard": "lock", "pause_s": 0.0, "workers": 2, "chunk": None}
    assert list(case.params.items()) == list(params.items())


def test_a_case_is_labelled_with_what_the_sweep_says_of_it(planned):
    plan = planned("params: {pause_s: 0.5}\nsweep: [{size: [1000, 2000], chunk: 3}, {guard: lock}]")
    labels = ["size 1,000, chunk 3", "size 2,000, chunk 3", "guard lock"]
    assert [case.label for case in plan.cases] == labels


def test_what_is_the_same_in_all_parts_of_a_sweep_is_in_no_label(planned):
    plan = planned("sweep: [{size: [1000, 2000], chunk: null, pause_s: 1}, {guard: lock, pause_s: 1.0}]")
    assert [case.label for case in plan.cases] == ["size 1,000", "size 2,000", "guard lock"]
    assert [case.label for case in planned("sweep: {size: 5, chunk: 3}").cases] == ["size 5, chunk 3"]


def test_two_blocks_that_give_the_same_case_give_one(planned):
    plan = planned("sweep: [{size: [5, 6]}, {size: [6, 7], guard: none}]")
    assert [case.params["size"] for case in plan.cases] == [5, 6, 7]


def test_a_combination_that_the_scenario_refuses_is_left_out_with_its_reason(planned):
    plan = planned("sweep: {size: [10, 9000], guard: [none, lock]}\nrepeats: 1")
    cases = [(10, "none"), (10, "lock"), (9000, "none")]
    assert [(case.params["size"], case.params["guard"]) for case in plan.cases] == cases
    (refusal,) = plan.refused
    assert (refusal.label, refusal.reason) == ("size 9,000, guard lock", "a lock takes too long beyond 5000")
    assert refusal.params["guard"] == "lock"
    assert len(list(plan)) == len(plan) == 3


def test_a_plan_of_which_nothing_is_left_is_an_error(planned):
    message = r"toy\.yaml:3:1: sweep: scenario 'toy' refuses every combination of the experiment$"
    with pytest.raises(NothingSelectedError, match=message) as caught:
        planned("params: {guard: lock}\nsweep: {size: [9000, 9001]}")
    assert caught.value.exit_code == 5
    assert caught.value.hint == "the first, size 9,000: a lock takes too long beyond 5000"


def test_where_it_is_strict_a_combination_that_the_scenario_refuses_is_an_error(planned, tmp_path):
    with pytest.raises(ExperimentError) as caught:
        planned("sweep: {size: {from: 5001, to: 5005, step: 1}, guard: [none, lock]}", strict=True)
    assert caught.value.message == (
        f"{tmp_path}/toy.yaml:2:1: sweep: scenario 'toy' refuses 5 combinations of the experiment:\n"
        "  size 5,001, guard lock: a lock takes too long beyond 5000\n"
        "  size 5,002, guard lock: a lock takes too long beyond 5000\n"
        "  size 5,003, guard lock: a lock takes too long beyond 5000\n"
        "  … and 2 more"
    )


def test_where_it_is_strict_what_is_excluded_is_no_error(planned):
    plan = planned("sweep: {size: [1, 9000], guard: [lock]}\nexclude: [{size: 9000}]", strict=True)
    assert len(plan.cases) == 1


@pytest.mark.parametrize("workers", ["cpu_count", "2"])
def test_an_exclusion_sees_fixed_and_default_values_and_the_number_of_cpus(planned, workers):
    sweep = "params: {pause_s: 1}\nsweep: [{size: [1, 2]}, {workers: 3}]"
    plan = planned(f"{sweep}\nexclude: [{{workers: {workers}, guard: none, pause_s: 1}}]")
    assert [case.label for case in plan.cases] == ["workers 3"]
    assert plan.excluded == 2


def test_an_exclusion_changes_no_identity(planned):
    sweep = "sweep: {size: [1, 2, 3]}"
    assert set(ids(planned(f"{sweep}\nexclude: [{{size: 2}}]"))) < set(ids(planned(sweep)))


def test_a_plan_of_100_000_cases_is_made_in_seconds(planned):
    """It takes two; the bound is for a busy machine."""
    ranges = "{size: {from: 1, to: 1000, step: 1}, chunk: {from: 1, to: 101, step: 1}}"
    began = time.monotonic()
    plan = planned(f"sweep: {ranges}\nexclude: [{{chunk: 101}}]")
    assert time.monotonic() - began < 30
    assert (len(plan.cases), plan.excluded, len(plan)) == (100_000, 1_000, 500_000)


SMALL = st.integers(1, 3)


def test_a_default_and_the_same_value_of_a_file_are_one_case():
    made = make_dataclass("Made", [("x", int, 1), ("pause_ms", float, 1)], frozen=True, kw_only=True)
    declaration = replace(declare(Toy), params=params_of(made, "Made"))
    sweep = ({"x": (1, 2)}, {"x": (1, 2), "pause_ms": (1.0, 2.0)})
    plan = make_plan(Experiment(name="x", scenario="toy", sweep=sweep), declaration, made, 2)
    assert (len(plan.cases), plan.repeated) == (4, 2)


def made(cases: int, **options: object) -> Plan:
    """Make a plan of so many cases, labelled 0, 1, 2 …"""
    made_cases = [
        Case(case_id=case_id("toy", {"size": number}), label=str(number), params={"size": number})
        for number in range(cases)
    ]
    defaults = {
        "refused": (),
        "repeats": 3,
        "warmup": 0,
        "order": "interleaved",
        "seed": 0,
        "timeout_s": 60.0,
    }
    return Plan(cases=tuple(made_cases), **(defaults | options))


PLANS = st.builds(
    made,
    st.integers(1, 6),
    repeats=st.integers(1, 5),
    warmup=st.integers(0, 3),
    order=st.sampled_from(["interleaved", "shuffled", "sequential"]),
    seed=st.integers(0, 2**32),
)


@given(plan=PLANS)
def test_a_plan_has_every_trial_once_numbers_them_through_and_is_the_same_each_time(plan):
    attempts = list(plan)
    assert len(plan) == len(attempts)
    assert list(plan) == attempts
    assert [attempt.order for attempt in attempts] == list(range(len(attempts)))
    assert len({attempt.trial_id for attempt in attempts}) == len(attempts)
    seen = Counter((attempt.case_id, attempt.repeat) for attempt in attempts)
    assert seen == Counter(
        (case.case_id, repeat) for case in plan.cases for repeat in range(-plan.warmup, plan.repeats)
    )


@given(plan=PLANS)
def test_the_warm_ups_of_a_case_come_first_and_are_the_negative_repeats(plan):
    for case in plan.cases:
        attempts = [attempt for attempt in plan if attempt.case_id == case.case_id]
        assert [attempt.repeat for attempt in attempts] == list(range(-plan.warmup, plan.repeats))
        assert [attempt.is_warmup for attempt in attempts] == [attempt.repeat < 0 for attempt in attempts]


@given(plan=PLANS)
def test_every_case_gets_the_same_seed_in_the_same_repeat(plan):
    seeds = {(attempt.repeat, attempt.seed) for attempt in plan}
    assert len({seed for _, seed in seeds}) == len(seeds) == plan.warmup + plan.repeats
    assert seeds == {(repeat, trial_seed(plan.seed, repeat)) for repeat, _ in seeds}


@pytest.mark.parametrize(
    ("seed", "repeat", "derived"),
    [(0, 0, 6_067_409_321_135_427), (0, -1, 486_836_082_517_786), (2024, 3, 1_786_882_898_912_467)],
)
def test_seeds_are_those_of_earlier_versions(seed, repeat, derived):
    assert trial_seed(seed, repeat) == derived


@given(seed=st.integers(0, 2**63), repeat=st.integers(-10, 10_000))
def test_a_seed_is_exact_in_json_and_in_a_float_column(seed, repeat):
    assert 0 <= trial_seed(seed, repeat) < 2**53
    assert trial_seed(seed, repeat) == trial_seed(seed, repeat) != trial_seed(seed + 1, repeat)


@given(
    params=st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text(), min_size=2),
    order=st.randoms(),
)
def test_a_case_s_identity_does_not_depend_on_the_order_of_its_params(params, order):
    shuffled = list(params.items())
    order.shuffle(shuffled)
    assert case_id("toy", dict(shuffled)) == case_id("toy", params)


def test_values_that_python_holds_equal_are_different_cases():
    assert len({case_id("toy", {"x": value}) for value in (1, 1.0, True, "1")}) == 4


def test_a_trial_s_identity_tells_case_repeat_and_seed_apart():
    assert len({trial_id(case, repeat, seed) for case in "ab" for repeat in (-1, 0) for seed in (0, 1)}) == 8


def labels(plan: Plan) -> str:
    return " ".join(f"{attempt.case_label}{attempt.repeat:+}" for attempt in plan)


def test_interleaved_executes_every_case_once_and_then_again():
    assert labels(made(3, repeats=2, warmup=1)) == "0-1 1-1 2-1 0+0 1+0 2+0 0+1 1+1 2+1"


def test_sequential_executes_every_repeat_of_a_case_before_the_next():
    assert labels(made(2, repeats=2, warmup=1, order="sequential")) == "0-1 0+0 0+1 1-1 1+0 1+1"


@given(seed=st.integers(0, 2**32), cases=st.integers(1, 6))
def test_every_repeat_of_a_shuffled_plan_is_a_permutation_of_all_cases(seed, cases):
    plan = made(cases, repeats=3, warmup=1, order="shuffled", seed=seed)
    attempts = list(plan)
    for start in range(0, len(attempts), cases):
        round_ = attempts[start : start + cases]
        assert {attempt.case_id for attempt in round_} == {case.case_id for case in plan.cases}
        assert len({attempt.repeat for attempt in round_}) == 1


def test_a_shuffled_plan_follows_from_its_seed():
    one, same, other = (labels(made(6, order="shuffled", seed=seed)) for seed in (1, 1, 2))
    assert one == same != other


def test_the_rounds_of_a_shuffled_plan_are_shuffled_differently():
    order = [attempt.case_label for attempt in made(6, repeats=2, order="shuffled")]
    assert order[:6] != order[6:]


ROWS = st.lists(SMALL, min_size=1, max_size=3)
BLOCKS = st.lists(st.dictionaries(st.sampled_from("abc"), ROWS.map(tuple), max_size=3), max_size=3)
EXCLUDE = st.lists(st.dictionaries(st.sampled_from("abc"), SMALL, min_size=1), max_size=3)


@dataclass(frozen=True, kw_only=True)
class Picky:
    """Refuses some combinations."""

    a: int = 0
    b: int = 0
    c: int = 0

    def __post_init__(self) -> None:
        if self.a == self.b:
            raise ValueError(f"{self.a} twice")


@example([{"a": (1, 2), "b, c": ((1, 1), (2, 3))}, {"a": (3,)}], [{"b": 2}, {"a": 3, "c": 1}], {})
@given(sweep=BLOCKS, exclude=EXCLUDE, fixed=st.dictionaries(st.sampled_from("abc"), SMALL))
def test_a_plan_is_what_taking_one_combination_after_another_gives(sweep, exclude, fixed):
    """Cases, their order and identities, what is refused and why, what is excluded: as written down naively."""
    declaration = replace(declare(Toy), params=tuple(fields_of(Picky, "Picky")))
    experiment = Experiment(
        name="x", scenario="toy", params=fixed, sweep=tuple(sweep), exclude=tuple(exclude)
    )
    cases: dict[str, dict[str, int]] = {}
    refused, excluded = [], 0
    for combination in Combinations(experiment):
        params = {"a": 0, "b": 0, "c": 0, **combination.params}
        if any(each.items() <= params.items() for each in exclude):
            excluded += 1
        elif params["a"] == params["b"]:
            refused.append((params, f"{params['a']} twice"))
        else:
            cases.setdefault(case_id("toy", params), params)
    if not cases:
        with pytest.raises(NothingSelectedError):
            make_plan(experiment, declaration, Picky, 2)
        return
    plan = make_plan(experiment, declaration, Picky, 2)
    assert [(case.case_id, case.params) for case in plan.cases] == list(cases.items())
    assert [(refusal.params, refusal.reason) for refusal in plan.refused] == refused
    assert plan.excluded == excluded


EXPECT = "expect: [{metric: wall_s, max: 3}, {metric: wall_s, max: 3, where: {guard: lock}}]"


@pytest.mark.parametrize("gone", ["exclude: [{guard: lock}]", "params: {size: 9000}"])
@pytest.mark.parametrize(
    ("meant", "told"),
    [
        ("baseline: {guard: lock}", "3:1: baseline: every case of the baseline, guard lock,"),
        (EXPECT, "3:61: expect[1].where: every case that it means, guard lock,"),
    ],
)
def test_a_baseline_or_a_where_of_which_no_case_is_left_is_an_error(planned, tmp_path, meant, told, gone):
    with pytest.raises(ExperimentError) as caught:
        planned(f"sweep: {{guard: [none, lock]}}\n{meant}\n{gone}")
    assert caught.value.message == f"{tmp_path}/toy.yaml:{told} is excluded or refused by the scenario"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("meant", ["baseline: {guard: lock}", EXPECT])
def test_a_baseline_or_a_where_of_which_some_cases_are_left_is_none(planned, meant):
    assert len(planned(f"sweep: {{guard: [none, lock], size: [10, 9000]}}\n{meant}").cases) == 3


def test_an_error_of_a_plan_is_placed_at_the_option_that_brought_it(planned, tmp_path):
    option = "exclude=[{guard: none}]"
    with pytest.raises(NothingSelectedError) as caught:
        planned("sweep: {size: [1, 2]}", overrides=(option,))
    told = f"--set {option}: exclude: the experiment excludes every combination"
    assert caught.value.message == f"{tmp_path}/toy.yaml: {told}"


@pytest.mark.parametrize(
    ("read", "place"),
    [
        ({"path": "x.yaml", "source_map": read_yaml(b"scenario: toy", "x.yaml")}, "x.yaml:1:1: scenario: "),
        ({}, ""),
    ],
)
def test_an_error_of_a_plan_is_placed_at_the_scenario_if_it_was_read_from_a_file(read, place):
    with pytest.raises(NothingSelectedError, match=rf"^{place}scenario 'toy' refuses every combination"):
        make_plan(Experiment(name="x", scenario="toy", **read), declare(Toy), Refusing, 1)


def test_a_number_of_cpus_that_the_sweep_names_as_well_is_one_case(planned):
    plan = planned("sweep: {workers: [1, cpu_count, 2]}")
    assert [case.params["workers"] for case in plan.cases] == [1, 2]
    assert plan.repeated == 1


TEXTS = st.text(st.sampled_from('nultre1,.-"a'), min_size=1, max_size=5)


@given(st.lists(st.one_of(TEXTS, st.sampled_from(["true", "False", "null", "1e3", "inf"])), min_size=1))
def test_a_label_tells_text_apart_from_every_other_value(texts):
    others = {label_of({"x": value}, "x") for value in (None, True, False, 0, 1, -1, 1_000, 1e3, 0.5, 11)}
    assert not others & {label_of({"x": text}, "x") for text in texts}


@pytest.mark.parametrize("option", ["sweep.guard=none", "params.size=9000"])
def test_a_plan_needs_no_case_of_a_baseline_or_a_where_that_an_option_has_taken(planned, option):
    file = f"params: {{size: 1}}\nsweep: {{guard: [none, lock]}}\n{EXPECT}\nbaseline: {{guard: lock}}"
    assert len(planned(file, overrides=(option,)).cases) == 1


def test_a_where_may_mean_a_number_of_cpus_that_this_machine_does_not_have(planned):
    where = "expect: [{metric: wall_s, max: 3, where: {workers: 64}}]"
    assert len(planned(f"sweep: {{workers: [1, cpu_count]}}\n{where}").cases) == 2


@dataclass(frozen=True, kw_only=True)
class Faulty:
    """Fails for some values, instead of refusing them."""

    a: int = 0

    def __post_init__(self) -> None:
        if self.a == 1:
            raise ValueError
        if self.a == 2:
            raise TypeError("no number")


def plan_of_faulty(*values):
    declaration = replace(declare(Toy), params=tuple(fields_of(Faulty, "Faulty")))
    experiment = Experiment(name="x", scenario="toy", sweep=({"a": tuple((value,) for value in values)},))
    return make_plan(experiment, declaration, Faulty, 2)


def test_params_that_fail_are_the_fault_of_the_plugin():
    with pytest.raises(PluginError) as caught:
        plan_of_faulty(0, 2)
    assert caught.value.message == "scenario 'toy' can't check a 2: TypeError: no number"


def test_a_refusal_without_a_reason_says_so():
    assert [refusal.reason for refusal in plan_of_faulty(0, 1).refused] == ["it gives no reason"]
