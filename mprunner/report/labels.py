"""How a summary names the cases of a run: by what makes each special within its group, and what the group shares."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mprunner.analysis.diagnostics import groups_of
from mprunner.model.records import label_of, varying
from mprunner.model.text import printable
from mprunner.tables import Frames
from mprunner.values import Scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How cases are named in a summary: by what makes each special within its group.

    Attributes:
        groups: the case ids of each group: a case of the baseline and those that are compared with it; cases that
            are compared with none are together. In the order of the plan.
        headings: what the cases of each group have in common and those of the others have not; empty for one group.
        own: by case id, what tells a case from the others of its group; empty for an only case.
        prose: by case id, the same, and the shortest that tells its group from the others.
        whole: by case id, what tells a case from all others.
    """

    groups: tuple[tuple[str, ...], ...]
    headings: tuple[str, ...]
    own: Mapping[str, str]
    prose: Mapping[str, str]
    whole: Mapping[str, str]


def labels_of(frames: Frames, partners: Mapping[str, str]) -> Labels:
    """Name the cases of a run.

    Args:
        frames: its tables.
        partners: by case id, the case that it is compared with.
    """
    named = {case: names_in(label, frames.effective[case]) for case, label in frames.labels.items()}
    everywhere = _shared(list(named), frames, named) if len(named) > 1 else ()
    everywhere = tuple(name for name in everywhere if all(name in names for names in named.values()))
    whole = {
        case: printable(label_of(frames.effective[case], [name for name in names if name not in everywhere]))
        or printable(frames.labels[case])
        for case, names in named.items()
    }
    compared = groups_of(partners)
    in_a_group = {case for group in compared for case in group}
    alone = tuple(case for case in whole if case not in in_a_group)
    places = {case: place for place, case in enumerate(whole)}
    groups = tuple(
        tuple(sorted(group, key=places.__getitem__)) for group in [*compared, *([alone] if alone else [])]
    )
    groups = tuple(sorted(groups, key=lambda group: places[group[0]]))
    if len(groups) < 2:
        return Labels(groups=groups, headings=("",) * len(groups), own=whole, prose=whole, whole=whole)
    shared = [_shared(group, frames, named) for group in groups]
    common = dict.fromkeys(name for names in shared for name in names)
    headings, own, prose = [], {}, {}
    telling = _telling(common, groups, frames)
    for group in groups:
        params = [frames.effective[case] for case in group]
        varies = {*varying(params), *(name for name in common if any(name not in each for each in params))}
        names = [name for name in common if name not in varies and name not in everywhere]
        rows = {
            case: label_of(
                frames.effective[case], [name for name in named[case] if name not in (*names, *everywhere)]
            )
            for case in group
        }
        if all(rows.values()) and len(set(rows.values())) == len(rows):
            headings.append(printable(label_of(params[0], names)))
            own.update({case: printable(label) for case, label in rows.items()})
            which = printable(label_of(params[0], [name for name in names if name == telling] or names))
            prose.update({case: f"{own[case]} with {which}" if which else own[case] for case in group})
        else:
            headings.append("")
            own.update({case: whole[case] for case in group})
            prose.update({case: whole[case] for case in group})
    return Labels(groups=groups, headings=tuple(headings), own=own, prose=prose, whole=whole)


def _telling(names: Iterable[str], groups: Sequence[Sequence[str]], frames: Frames) -> str | None:
    """Return the first param by which alone each group can be told from the others."""
    for name in names:
        values = [{repr(frames.effective[case].get(name)) for case in group} for group in groups]
        if all(len(each) == 1 for each in values) and len(set.union(*values)) == len(groups):
            return name
    return None


def _shared(group: Sequence[str], frames: Frames, named: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the params of the labels of a group in which none of its cases differs."""
    params = [frames.effective[case] for case in group]
    varies = set(varying(params))
    names = dict.fromkeys(name for case in group for name in named[case])
    return tuple(name for name in names if name not in varies and all(name in each for each in params))


def names_in(label: str, params: Mapping[str, Scalar]) -> tuple[str, ...]:
    """Return the params that a label names, in its order; see :func:`mprunner.model.records.label_of`."""
    rest, names = label, []
    while rest:
        for name in params:
            piece = label_of(params, [name])
            if rest == piece or rest.startswith(piece + ", "):
                names.append(name)
                rest = rest[len(piece) + 2 :]
                break
        else:
            return ()
    return tuple(names)
