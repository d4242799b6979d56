"""What ``mprunner race`` answers: how often each class raced, and what a cure costs."""

from collections.abc import Iterator, Sequence
from functools import partial

import pandas as pd

from mprunner.analysis.statistics import Interval, share_interval, unseen_bound
from mprunner.analysis.summary import counted
from mprunner.errors import guarded
from mprunner.model.provenance import Header
from mprunner.model.text import printable
from mprunner.report.wording import bracketed, factor, number, share
from mprunner.tables import Frames

_PRICE = "alone_s"


def race_answer(header: Header, frames: Frames, summary: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence for each variant: of each class how often it raced, and how much longer it takes."""
    trials = counted(frames.trials)
    variants = list(dict.fromkeys(trials["variant"])) if "variant" in trials else [None]
    sentences = []
    for variant in variants:
        rows = trials if variant is None else trials[trials["variant"] == variant]
        told = guarded("the answer", partial(_told, header, rows, summary), "")
        if told:
            sentences.append(f"{'' if variant is None else f'{printable(str(variant))}: '}{told}.")
    return tuple(sentences)


def _told(header: Header, trials: pd.DataFrame, summary: pd.DataFrame) -> str:
    return "; ".join(_classes(header, trials, summary))


def _classes(header: Header, trials: pd.DataFrame, summary: pd.DataFrame) -> Iterator[str]:
    first = (header.experiment.get("baseline") or {}).get("race")
    for race in dict.fromkeys(trials["race"]):
        rows = trials[trials["race"] == race]
        free, explored = (rows[rows["schedule"] == each] for each in ("free", "explored"))
        parts = [part for part in (_free(free), _explored(explored)) if part is not None]
        if parts:
            price = "" if race == first else _price(free["case_id"], summary)
            yield f"{printable(str(race))} {_joined(parts)}{price}"


def _joined(parts: Sequence[tuple[bool, str]]) -> str:
    """Say what raced, and what did not: ``raced in 3 of 60 rounds``, ``never raced: not in 60 rounds``."""
    raced = [text for does, text in parts if does]
    never = [f"not in {text}" for does, text in parts if not does]
    if not raced:
        return f"never raced: {', '.join(never)}"
    return f"raced {' and '.join(raced)}{''.join(f', {each}' for each in never)}"


def _free(trials: pd.DataFrame) -> tuple[bool, str] | None:
    told = trials[trials["raced_rounds"].notna()] if len(trials) else trials
    if not len(told):
        return None
    raced, rounds = int(told["raced_rounds"].sum()), int(told["rounds"].sum())
    if not raced:
        return False, f"{number(rounds)} rounds (below {share(unseen_bound(rounds))})"
    interval = share_interval(raced, rounds)
    span = f"{share(interval.low)}–{share(interval.high)}"
    return True, f"in {number(raced)} of {number(rounds)} rounds ({share(raced / rounds)}, {span})"


def _explored(trials: pd.DataFrame) -> tuple[bool, str] | None:
    told = trials[trials["tried_schedules"].notna()] if len(trials) else trials
    if not len(told):
        return None
    last = told.iloc[0]
    raced, tried = int(last["raced_schedules"]), int(last["tried_schedules"])
    if raced:
        return True, f"in {number(raced)} of {number(tried)} schedules (--replay {int(last['first_raced'])})"
    if tried == 1 and last["complete"]:
        return False, "the one schedule there is, as exploring sees nothing that they share"
    which = f"any of the {number(tried)} schedules that can differ"
    return False, which if last["complete"] else f"{number(tried)} schedules"


def _price(case_ids: pd.Series, summary: pd.DataFrame) -> str:
    found = summary[summary["case_id"].isin(set(case_ids)) & (summary["metric"] == _PRICE)]
    found = found[found["ratio"].notna()]
    if len(found) != 1:
        return ""
    row = found.iloc[0]
    low, high = row["ratio_ci_low"], row["ratio_ci_high"]
    interval = None if pd.isna(low) else Interval(float(low), float(high))
    return f", at {factor(float(row['ratio']), interval)}× the time{bracketed(interval)}"
