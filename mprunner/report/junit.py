"""JUnit XML, which services that build and test software show: a test suite of what was judged.

Elements and attributes are those that the schemas of Jenkins' xUnit plugin and of Maven Surefire have in common.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TextIO
from xml.sax.saxutils import escape, quoteattr

from mprunner.analysis.statistics import finite
from mprunner.analysis.verdict import FAILING
from mprunner.model.records import Status
from mprunner.model.text import printable
from mprunner.runs import RunInfo

_NO_XML = re.compile("[\ufffe\uffff]")  # what printable() leaves and XML 1.0 forbids
_CANCELLED = Status.CANCELLED.value
_Ended = Literal["passed", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A test case of the suite.

    Attributes:
        name: the case of the experiment, and what was judged.
        ended: how.
        kind: of what did not pass, such as ``forbidden``.
        told: the numbers; a line for each thing that was found.
        seconds: how long its trials took.
    """

    name: str
    ended: _Ended = "passed"
    kind: str = ""
    told: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRun:
    """What the hook ``mprunner_run_judged`` is given of a run.

    Attributes:
        run: what its run.json says.
        verdict: the content of verdict.json.
        cases: see :func:`mprunner.report.findings.cases_of`.
    """

    run: RunInfo
    verdict: Mapping[str, Any]
    cases: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A test suite.

    Attributes:
        name: its name, and the class of its test cases.
        judged: its test cases.
        properties: what else is known, by name.
        where: the attributes ``timestamp`` and ``hostname``, where they are known.
    """

    name: str
    judged: Sequence[Judged]
    properties: Sequence[tuple[str, str]] = ()
    where: Mapping[str, str] = field(default_factory=dict)


def write_junit(file: TextIO, runs: Sequence[JudgedRun]) -> None:
    """Write runs as JUnit XML, each as a test suite."""
    write_suites(file, [_suite_of(each) for each in runs])


def _suite_of(judged: JudgedRun) -> Suite:
    run = judged.run
    return Suite(
        name=run.experiment,
        judged=list(judged_of(run, judged.verdict["findings"], judged.cases)),
        properties=list(_properties(run.content)),
        where={"timestamp": run.started_at[:19], "hostname": run.host},
    )


def write_suites(file: TextIO, suites: Sequence[Suite]) -> None:
    """Write test suites as JUnit XML."""
    suites = [replace(suite, judged=_told_apart(suite.judged)) for suite in suites]
    names = ", ".join(dict.fromkeys(suite.name for suite in suites))
    file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    file.write(
        f"<testsuites{_attributes(_totals(names, [case for suite in suites for case in suite.judged]))}>\n"
    )
    for suite in suites:
        _write_suite(file, suite)
    file.write("</testsuites>\n")


def _told_apart(judged: Iterable[Judged]) -> list[Judged]:
    """Number the test cases of the same name, as of an expectation that is given twice: services go by the name."""
    seen: Counter[str] = Counter()
    apart = []
    for each in judged:
        seen[each.name] += 1
        number = seen[each.name]
        apart.append(each if number == 1 else replace(each, name=f"{each.name} ({number})"))
    return apart


def _write_suite(file: TextIO, suite: Suite) -> None:
    file.write(
        f"<testsuite{_attributes({**_totals(suite.name, suite.judged), **suite.where})}>\n<properties>\n"
    )
    for name, value in suite.properties:
        file.write(f"<property{_attributes({'name': name, 'value': value})}/>\n")
    file.write("</properties>\n")
    for each in suite.judged:
        file.write(_testcase(suite.name, each))
    file.write("</testsuite>\n")


def _totals(name: str, judged: Sequence[Judged]) -> dict[str, object]:
    ended = [each.ended for each in judged]
    return {
        "name": name,
        "tests": len(judged),
        "failures": ended.count("failure"),
        "errors": ended.count("error"),
        "skipped": ended.count("skipped"),
        "time": _seconds(sum(each.seconds for each in judged)),
    }


def judged_of(
    run: RunInfo, findings: Sequence[Mapping[str, Any]], cases: Sequence[Mapping[str, Any]]
) -> Iterator[Judged]:
    """Yield the test cases: whether the run is whole, then case by case its statuses, outcomes and expectations.

    What is found of one outcome of a case is one test case, so that its name is the same in every run.
    """
    yield _whole(run)
    by_case: dict[str | None, list[Mapping[str, Any]]] = {}
    for finding in findings:
        by_case.setdefault(finding["case_id"], []).append(finding)
    for case in cases:
        own = by_case.get(case["case_id"], [])
        yield _statuses(case, [each for each in own if each["kind"] == "status"])
        outcomes: dict[str, list[Mapping[str, Any]]] = {}
        for each in own:
            if each["kind"] == "outcome":
                outcomes.setdefault(each["about"], []).append(each)
        for variable, found in outcomes.items():
            yield _outcome(case["label"], variable, found)
        yield from (_expectation(each) for each in own if each["kind"] == "expectation")
    yield from (_expectation(each) for each in by_case.get(None, ()))


def _whole(run: RunInfo) -> Judged:
    name = "every trial is executed"
    if run.is_finished:
        return Judged(name=name)
    told = f"{run.state} after {run.done} of {run.planned_in_words()} trials"
    return Judged(name=name, ended="error", kind=run.state, told=(told,))


def _statuses(case: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> Judged:
    counts = ", ".join(f"{count:,} {status}" for status, count in case["statuses"].items())
    is_judged = any(status != _CANCELLED for status in case["statuses"])
    passed: _Ended = "passed" if is_judged else "skipped"
    return Judged(
        name=_name(case["label"], "trials end as expected"),
        ended="failure" if found else passed,
        kind="failed" if found else "",
        told=(*(str(each["told"]) for each in found), *case["reasons"]) if found else (counts,),
        seconds=case["trial_wall_s"],
    )


def _outcome(label: str, variable: str, found: Sequence[Mapping[str, Any]]) -> Judged:
    failing = next((each["found"] for each in found if each["found"] in FAILING), "")
    worst_first = sorted(found, key=lambda each: each["found"] != failing)
    return Judged(
        name=_name(label, variable),
        ended="failure" if failing else "passed",
        kind=failing,
        told=tuple(f"{each['found']}: {each['told']}{_note(each)}" for each in worst_first),
    )


def _note(finding: Mapping[str, Any]) -> str:
    return f": {finding['note']}" if finding["note"] else ""


def _expectation(finding: Mapping[str, Any]) -> Judged:
    ends: dict[str, _Ended] = {"met": "passed", "not judged": "skipped"}
    ended = ends.get(finding["found"], "failure")
    return Judged(
        name=_name(finding["label"], finding["about"]),
        ended=ended,
        kind="" if ended == "passed" else finding["found"],
        told=(finding["told"],) if finding["told"] else (),
    )


def _name(label: str, about: str) -> str:
    return f"{label}: {about}" if label else about


def _properties(run: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield the facts of run.json, those within others with a dot; lists of values as one."""
    for name, value in run.items():
        if isinstance(value, Mapping):
            yield from _properties(value, f"{before}{name}.")
        elif isinstance(value, list):
            if all(isinstance(item, str | int | float) for item in value):
                yield f"{before}{name}", " ".join(map(str, value))
        elif value is not None:
            yield f"{before}{name}", str(value)


def _testcase(experiment: str, judged: Judged) -> str:
    names = {"classname": experiment, "name": judged.name, "time": _seconds(judged.seconds)}
    opening = f"<testcase{_attributes(names)}"
    body = escape("\n".join(_text(line) for line in judged.told))
    match judged.ended:
        case "passed":
            told = f"<system-out>{body}</system-out>" if body else ""
        case "skipped":
            told = f"<skipped{_attributes({'message': '; '.join(judged.told)})}/>"
        case "failure" | "error":
            why = {"message": "; ".join(judged.told), "type": judged.kind}
            told = f"<{judged.ended}{_attributes(why)}>{body}</{judged.ended}>"
    return f"{opening}>{told}</testcase>\n" if told else f"{opening}/>\n"


def _attributes(values: Mapping[str, object]) -> str:
    return "".join(f" {name}={quoteattr(_text(str(value)))}" for name, value in values.items())


def _text(text: str) -> str:
    return _NO_XML.sub(lambda match: f"\\u{ord(match.group()):04x}", printable(text))


def _seconds(seconds: float) -> str:
    return f"{finite(seconds) or 0.0:.6f}"
