"""What a run answers: what raced and how often, what never did and at what price, what is fastest."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from mprunner.analysis.diagnostics import Fastest
from mprunner.analysis.statistics import unseen_bound
from mprunner.analysis.verdict import NOT_ACCEPTABLE, Judgement, State
from mprunner.errors import guarded
from mprunner.model.summary_sentence import Placeholder, Statistic
from mprunner.model.text import printable
from mprunner.report.cells import CaseValues, Compared
from mprunner.report.labels import Labels
from mprunner.report.wording import bracketed, comparison, metric_in_words, number, share, state

MOST_NAMED = 3
"""The most cases that a sentence names; of more it names the extremes."""
MOST_FASTEST = 3
"""If there are more groups of cases, no fastest case is named, so that the summary stays short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raced:
    """What should not always happen, and did.

    Attributes:
        verdict: interesting, forbidden or unknown; empty where a metric alone tells it.
        what: in words.
        variable: the outcome or the metric.
        shares: by case id, in how many observations, and of how many.
        unit: what is counted: observations, trials, or what a param of the scenario counts.
        unseen: by case id, how many of what a param counts were there, where it never happened.
    """

    verdict: str
    what: str
    variable: str
    shares: Mapping[str, tuple[int, int]]
    unit: str = "observations"
    unseen: Mapping[str, int] = field(default_factory=dict)


def raced(
    judgement: Judgement, values: Mapping[str, CaseValues], affected: Sequence[Placeholder]
) -> tuple[Raced, ...]:
    """Return what raced: states that are not acceptable, by what is said of them; without rules, affected metrics.

    Args:
        judgement: what the run came to.
        values: what is known of each case.
        affected: the metrics that say how often something went wrong.
    """
    found: dict[tuple[str, str, str], dict[str, tuple[int, int]]] = {}
    for case_id, by_variable in judgement.states.items():
        for variable, states in by_variable.items():
            for each in states:
                if each.count and each.verdict in NOT_ACCEPTABLE:
                    own = found.setdefault((str(each.verdict), variable, each.note), {})
                    count, of = own.get(case_id, (0, each.observations))
                    own[case_id] = (count + each.count, of)
    if found or judgement.rules.outcomes or not affected:
        return tuple(
            Raced(
                verdict=verdict,
                what=printable(note) or _states_in_words(judgement, verdict, variable),
                variable=variable,
                shares=shares,
            )
            for (verdict, variable, note), shares in sorted(
                found.items(), key=lambda each: -NOT_ACCEPTABLE.index(each[0][0])
            )
        )
    of_metrics = (_affected(part, values) for part in affected)
    return tuple(each for each in of_metrics if each is not None)


def _affected(part: Placeholder, values: Mapping[str, CaseValues]) -> Raced | None:
    """Return what a metric says went wrong; None where it never did."""
    counted = {
        case_id: case.affected(part) for case_id, case in values.items() if case.metrics.get(part.name)
    }
    shares = {case_id: share for case_id, share in counted.items() if share[0]}
    if not shares:
        return None
    what, _ = metric_in_words(part.name, "")
    unit = part.counted or "trials"
    if part.of:  # the number that follows says what is counted
        what = what.removesuffix(f" {unit}")
    unseen = {case_id: of for case_id, (count, of) in counted.items() if not count}
    return Raced(
        verdict="",
        what=what,
        variable=part.name,
        shares=shares,
        unit=unit,
        unseen=unseen if part.statistic is Statistic.OF else {},
    )


def _states_in_words(judgement: Judgement, verdict: str, variable: str) -> str:
    """Say which states an outcome had, where the rule that speaks of them has no note."""
    own: dict[str, State] = {}
    for by_variable in judgement.states.values():
        for each in by_variable.get(variable, ()):
            if each.count and each.verdict == verdict and not each.note:
                own.setdefault(state(each.value), each)
    shown = list(own)
    which = ", ".join(shown[:MOST_NAMED]) + (
        f" and {number(len(shown) - MOST_NAMED)} more" if shown[MOST_NAMED:] else ""
    )
    why = {"unknown": ", which no rule expects", "forbidden": ", which is forbidden"}.get(verdict, "")
    return printable(f"{variable.replace('_', ' ')} was {which}{why}")


def answers(
    found: Sequence[Raced],
    judgement: Judgement,
    labels: Labels,
    compared: Compared | None,
    fastest: Sequence[Fastest],
) -> tuple[str, ...]:
    """Return a run's answer: a sentence for each thing that raced, for what never did, and for what is fastest."""
    sentences = [_raced(each, labels) for each in found]
    bad = {case for each in found for case in each.shares}
    clean = [case for case in labels.whole if case not in bad]
    if bad and clean:
        variables = {each.variable for each in found}
        judged = [
            case
            for case in clean
            if not judgement.rules.outcomes or variables & judgement.states[case].keys()
        ]
        if judged:
            sentences.append(_never(judged, labels, compared))
    elif compared is not None:
        told = [
            guarded("the fastest case", partial(_fastest, each, labels, compared), "") for each in fastest
        ]
        sentences += [each for each in told if each] if len(told) <= MOST_FASTEST else []
        sentences += _of_two(labels, compared, {case for each in fastest for case in each.group})
    return tuple(
        f"{each[:1].upper()}{each[1:]}" if each.startswith("no case") else each for each in sentences
    )


def _raced(found: Raced, labels: Labels) -> str:
    ordered = sorted(found.shares, key=lambda case: found.shares[case][0] / found.shares[case][1])
    of_all = len(labels.whole)
    what = found.what[:1].upper() + found.what[1:]
    if found.verdict == "forbidden" and "forbidden" not in what:
        what = f"Forbidden: {found.what}"
    if of_all == 1:
        return f"{what}: in {_often(found, ordered[0])}."
    if len(ordered) <= MOST_NAMED:
        cases = [
            f"{labels.prose[case]} in {_often(found, case)}" for case in labels.whole if case in found.shares
        ]
        return f"{what}: {'; '.join(cases)}."
    least, most = ordered[0], ordered[-1]
    which = "all" if len(ordered) == of_all else f"{number(len(ordered))} of {number(of_all)}"
    if share(_share(found, least)) == share(_share(found, most)):
        return f"{what} in {which} cases, in {share(_share(found, most))} of their {found.unit}."
    return (
        f"{what} in {which} cases: from {share(_share(found, least))} of the {found.unit} of {labels.prose[least]} "
        f"to {share(_share(found, most))} of {labels.prose[most]}."
    )


def _share(found: Raced, case: str) -> float:
    count, of = found.shares[case]
    return count / of


def _often(found: Raced, case: str) -> str:
    count, of = found.shares[case]
    if count == of:
        return f"{'all ' if of > 1 else ''}{number(of)} {found.unit}"
    if of <= 100:
        return f"{number(count)} of {number(of)} {found.unit}"
    if count <= 100:
        return f"{number(count)} of {number(of)} {found.unit} ({share(count / of)})"
    return f"{share(count / of)} of {number(of)} {found.unit}"


def _never(clean: Sequence[str], labels: Labels, compared: Compared | None) -> str:
    """Say which cases never raced, and what they cost; of many the cheapest of each group."""
    if len(clean) <= MOST_NAMED:
        cases = [f"{labels.prose[case]}{_price(case, labels, compared)}" for case in clean]
        return f"Never in {'; '.join(cases)}."
    which = f"Never in the other {number(len(clean))} cases"
    priced = [
        min(own, key=lambda case: compared.ratios[case].ratio)
        for group in labels.groups
        if compared is not None
        and (own := [case for case in group if case in clean and case in compared.ratios])
    ]
    if not priced or len(priced) > MOST_FASTEST:
        return f"{which}."
    cases = [f"{labels.prose[case]}{_price(case, labels, compared)}" for case in priced]
    return f"{which}. Cheapest of them: {'; '.join(cases)}."


def never_in_words(found: Sequence[Raced], judgement: Judgement) -> str | None:
    """Say how often what a case never showed may still happen there; None where nothing was counted."""
    variables = {each.variable for each in found}
    bad = {case for each in found for case in each.shares}
    counts = {
        states[0].observations
        for case, by_variable in judgement.states.items()
        for variable, states in by_variable.items()
        if variable in variables and case not in bad
    } | {count for each in found for count in each.unseen.values()}
    if not counts:
        return None
    ends = dict.fromkeys((min(counts), max(counts)))
    bounds = ", ".join(f"{share(unseen_bound(count))} after {number(count)}" for count in ends)
    unit = next((each.unit for each in found if each.unseen), "observations")
    return f"what never happened may still do so: in up to {bounds} {unit} (95% confidence)"


def _price(case: str, labels: Labels, compared: Compared | None) -> str:
    if compared is None or case not in compared.ratios:
        return ""
    return f", {guarded('a comparison', partial(_comparison, case, labels, compared), '')}"


def _comparison(case: str, labels: Labels, compared: Compared) -> str:
    found = compared.ratios[case]
    return comparison(
        compared.field.name,
        compared.field.unit,
        found.ratio,
        found.interval,
        labels.own[compared.partners[case]],
        clear=case not in compared.unclear,
        same_work=found.speedup is not None,
    )


def _fastest(found: Fastest, labels: Labels, compared: Compared) -> str:
    """Say which case of a group is the fastest, by how much, and which may be as fast."""
    heading = next(
        (
            heading
            for group, heading in zip(labels.groups, labels.headings, strict=True)
            if found.case in group
        ),
        "",
    )
    where = f"With {heading}: " if heading else ""
    best = labels.own[found.case]
    base = compared.partners.get(found.case, found.case)
    ties = [labels.own[case] for case in found.ties if case != base]
    slower = f"; not clearly slower: {_named(ties)}" if ties else ""
    if found.case == base:
        first = f"{best}, the baseline, is the fastest"
        return (
            f"{where}{first}."
            if not ties
            else f"{where}no case is clearly faster than {best}, the baseline{slower}."
        )
    if found.case in compared.unclear or base in found.ties:
        interval = compared.ratios[found.case].interval
        took = f", {bracketed(interval)[2:-1]}× its time" if interval else ""
        first = f"no case is clearly faster than {labels.own[base]}; the shortest median has {best}{took}"
        return f"{where}{first}{slower}."
    first = "has the shortest median" if ties else "is the fastest"
    return f"{where}{best} {first}, {_comparison(found.case, labels, compared)}{slower}."


def _named(labels: Sequence[str]) -> str:
    """Return the first labels, and how many more there are."""
    apart = "; " if any("," in label for label in labels) else ", "
    more = f" and {number(len(labels) - MOST_NAMED)} more" if labels[MOST_NAMED:] else ""
    return f"{apart.join(labels[:MOST_NAMED])}{more}"


def _of_two(labels: Labels, compared: Compared, told: set[str]) -> Iterator[str]:
    """Compare the two cases of a group of no more."""
    for group in labels.groups:
        cases = [case for case in group if case in compared.ratios and case not in told]
        if len(group) == 2 and len(cases) == 1 and len(labels.groups) <= MOST_FASTEST:
            words = guarded("a comparison", partial(_comparison, cases[0], labels, compared), "")
            yield f"{labels.prose[cases[0]]} is {words}." if words else ""
