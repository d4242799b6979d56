"""Mistakes of which tests/golden/broken.yaml.txt has none of the kind, each with what is said of it.

A row is what stands in the file, what is told, and the hint where it is the point; a long row goes on below. Where
it begins with ``*``, the whole file has to be known: the schema for editors (test_json_schema.py) lets it pass.
"""

from typing import NamedTuple

import pytest

HEAD = "scenario: bank\nsweep: {guard: [none, lock]}\n"

KEYS = """
name: '' | name: '' can't be a name
name: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    | name: 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…' can't be a name
params: | params: has no value
runs: 3 | runs: unknown key | did you mean 'repeats'?
matrix: {level: [1, 2]} | matrix: unknown key | did you mean 'sweep'?
level: 1 | level: is a param of the scenario, and no key of the file | params.level is written under `params`
params: {threads: 4} | params.threads: scenario 'bank' has no such param | did you mean 'workers': how many take part?
params: {withdrawal: 4}
    | params.withdrawal: scenario 'bank' has no such param | did you mean 'transactions': withdrawals?
*baseline: {guard: rlock} | baseline.guard: no case has rlock here | the cases have none, lock: add rlock to the sweep
params: {label: ""} | params.label: is empty text, which a table can't tell from a missing value
params: {label: null} | params.label: must be text, not null
params: {pause_s: 0} | params.pause_s: must be more than 0, not 0
*params: {transactions: 1.0} | params.transactions: must be a whole number, not 1.0
params: {level: true} | params.level: true is not one of 1, 2
*params: {level: 1.0} | params.level: 1.0 is not one of 1, 2
params: {workers: 0} | params.workers: must be at least 1, not 0
params: {transactions: cpu_count}
    | params.transactions: must be a whole number, not 'cpu_count' | cpu_count is a value of workers
sweep: {} | sweep: is empty
sweep: [] | sweep: is empty
sweep: [{}] | sweep[0]: is empty
sweep: [3] | sweep[0]: must be a mapping of names to values, not 3
sweep: {transactions: {from: 1, to: [2], step: 1}} | sweep.transactions.to: must be a number, not a list
sweep: {transactions: {from: 1, to: true, step: 1}} | sweep.transactions.to: must be a number, not true
sweep: {chunk: {from: 1, to: 3.5, step: 1}} | sweep.chunk.to: must be a whole number, not 3.5
*sweep: {chunk: {from: 2, to: 1, times: 2}} | sweep.chunk.to: must be at least 2, where the range begins, not 1
*sweep: {chunk: {from: 1, to: 2, step: -1}} | sweep.chunk.step: leads away from 2
*sweep: {level: {from: 1, to: 3, step: 1}} | sweep.level: 3 is not one of 1, 2
*sweep: {workers: {from: 0, to: 1, step: 1}} | sweep.workers: must be at least 1, not 0
*sweep: {pause_s: {from: 1, to: 2, step: 1e-20}} | sweep.pause_s: two of its values are both 1.0: numbers are no finer
sweep: {pause_s: [1, 1.0]} | sweep.pause_s[1]: 1.0 is given twice
sweep: {chunk: [null, 1, ~]} | sweep.chunk[2]: null is given twice
sweep: {guards: [lock]} | sweep.guards: scenario 'bank' has no such param | did you mean 'guard'?
sweep: {guard: 'none,socket'} | sweep.guard: 'none,socket' is not one of none, lock, rlock | no hint
sweep: {transactions: 10, label: a, b}
    | sweep.b: is a value of label, and not a param | a list is written label: [a, b]
sweep: {guard: none, socket} | sweep.socket: scenario 'bank' has no such param
sweep: {guard: none, lock: 1} | sweep.lock: scenario 'bank' has no such param
sweep: {guard: [none], lock} | sweep.lock: scenario 'bank' has no such param
sweep: {"level, chunk": 3} | sweep['level, chunk']: must be a list of rows, not 3
sweep: {"level, chunk": []} | sweep['level, chunk']: is an empty list
sweep: {"level, chunk": [3]} | sweep['level, chunk'][0]: must be a row of 2 values, for level, chunk, not 3
*sweep: {"level, chunk": [[1, 2, 3]]}
    | sweep['level, chunk'][0]: must be a row of 2 values, for level, chunk, not of 3
sweep: {"level, chunk": [[1, [2]]]} | sweep['level, chunk'][0][1]: must be one value, not a list
*sweep: {"level, chunk": [[3, 2]]} | sweep['level, chunk'][0][0]: 3 is not one of 1, 2
sweep: {"level, chunk": [[1, 2], [1, 2]]} | sweep['level, chunk'][1]: [1, 2] is given twice
*sweep: {"level, level": [[1, 2]]} | sweep['level, level']: 'level' is given twice in one product
exclude: [] | exclude: is empty
exclude: [{}] | exclude[0]: is empty
exclude: [{guard: lokc}] | exclude[0].guard: 'lokc' is not one of none, lock, rlock
exclude: {label: 'a, b'} | exclude: must be a list, not a mapping | write it as [{label: 'a, b'}]
exclude: {label: 'LLLLLLLLLLLLLLLLLLLL', guard: 'GGGGGGGGGGGGGGGGGGGG', level: 'MMMMMMMMMMMMMMMMMMMM'}
    | exclude: must be a list, not a mapping | write it as [first, second]
repeats: [5] | repeats: must be a whole number, not a list
repeats: '3' | repeats: must be a whole number, not '3'
repeats: 1000001 | repeats: must be at most 1000000, not 1000001
*repeats: 1000000 | sweep: makes 2,000,000 trials (2 combinations × 1,000,000); the most is 1,000,000
seed: 1.5 | seed: must be a whole number, not 1.5
timeout: | timeout: has no value
*timeout: 0s | timeout: must be more than 0, not '0s'
timeout: {min: 5} | timeout: must be a number, not a mapping
cpus: | cpus: has no value
cpus: [] | cpus: is empty
cpus: [8192] | cpus[0]: must be at most 8191, not 8192
cpus: [true] | cpus[0]: must be a whole number, not true
cpus: ['0'] | cpus[0]: must be a whole number, not '0'
limits: | limits: has no value
limits: {retries: 1} | limits.retries: unknown key | the keys are memory_per_process, processes, output
limits: {output: null} | limits.output: must be a whole number, not null
limits: {output: true} | limits.output: must be a whole number, not true
limits: {output: '99'} | limits.output: '99' is not a size
limits: {output: -1MiB} | limits.output: '-1MiB' is not a size
limits: {output: 65535} | limits.output: must be at least 64KiB, not 65535 bytes
*limits: {output: 2097152GiB} | limits.output: must be at most 1048576GiB, not 2097152GiB
*limits: {memory_per_process: 1MiB} | limits.memory_per_process: must be at least 64MiB, not 1MiB
limits: {processes: 32769} | limits.processes: must be at most 32768, not 32769
limits: {memory_per_process: 1000} | limits.memory_per_process: must be at least 64MiB, not 1000 bytes
retries: -1 | retries: must be at least 0, not -1
retries: 1.5 | retries: must be a whole number, not 1.5
retries: true | retries: must be a whole number, not true
baseline: | baseline: has no value
baseline: {guard: lokc} | baseline.guard: 'lokc' is not one of none, lock, rlock
outcomes: {final_balance: []} | outcomes.final_balance: is empty
outcomes: {final_balance: [1]} | outcomes.final_balance[0]: must be a mapping of names to values, not 1
expect: {metric: wall_s, between: [0, 1]}
    | expect: must be a list, not a mapping | write it as [{metric: wall_s, between: [0, 1]}]
"""

RULES = """
equals: , verdict: forbidden | .equals: has no value
equals: {parm: guard}, verdict: forbidden
    | .equals: must be one value, or {param: NAME} for the value that the case has for a param
*equals: "a\\tb", verdict: forbidden | .equals: has a control character or half a character in it
*equals: {param: guard}, tolerance: 1, verdict: forbidden
    | .tolerance: says how near a number must be, and guard is text
equals: 1, tolerance: -2, verdict: forbidden | .tolerance: must be at least 0, not -2
one_of: [], verdict: forbidden | .one_of: must be a list of values
min: lots, verdict: forbidden | .min: must be a number
*between: [3, 2], verdict: forbidden | .between: 3 is more than 2
between: [1, 2, 3], verdict: forbidden | .between: must be two numbers, the least and the most
between: [1, 2], max: 3, verdict: forbidden | : `between` has both ends
otherwise: false, verdict: forbidden | .otherwise: must be true
otherwise: true, verdict: forbidden, note: "" | .note: is empty text, which a table can't tell from a missing value
*otherwise: true, verdict: forbidden, note: "a\\tb" | .note: has a control character or half a character in it
*otherwise: true, verdict: forbidden, note: "a\\nb" | .note: has a line break
otherwise: true, verdict: forbidden, where: {guard: nine} | .where.guard: 'nine' is not one of none, lock, rlock
otherwise: true, verdict: forbidden, where: {guard: {a: 1}}
    | .where.guard: must be one value or a list of values, not a mapping
*otherwise: true, verdict: forbidden, where: {guard: [none, rlock]} | .where.guard[1]: no case has rlock here
"""

EXPECTATIONS = """
max: 0 | : must be about a metric or a status
*metric: how, stat: mean, equals: 3 | .stat: how is text: there is no mean of it
*metric: how, equals: bad | .equals: 'bad' is not one of well, badly
*metric: how, equals: well, tolerance: 1 | .tolerance: says how near a number must be, and `equals` is text
*metric: how, equals: {param: guard}, tolerance: 1 | .tolerance: says how near a number must be, and guard is text
*metric: how, equals: {param: transactions} | .equals.param: transactions is a number, and how is text
*metric: lossy, equals: true, tolerance: 0.5
    | .tolerance: says how near a number must be, and `equals` is true or false
*metric: lossy, stat: share, equals: true | .equals: must be a number, not true
*metric: lossy, stat: share, equals: 1.5 | .equals: 1.5 is no share: a share is between 0 and 1
*metric: lossy, stat: share, one_of: [0, 9] | .one_of: 9 is no share: a share is between 0 and 1
*metric: lossy, stat: share, equals: {param: guard} | .equals.param: guard is text, and the share of lossy is a number
*metric: lost_updates, equals: some | .equals: must be a number, not 'some'
*metric: wall_s, between: [2, 1] | .between: 2 is more than 1
*metric: wall_s, equals: 5, max: 4.9 | .equals: `equals` and `max` can't hold together
*metric: wall_s, equals: 5, tolerance: 1, between: [6.1, 9] | .equals: `equals` and `between` can't hold together
*metric: wall_s, equals: 5, min: 6, max: 7 | .equals: `equals`, `min` and `max` can't hold together
*metric: wall_s, equals: 3, one_of: [1, 2] | .one_of: `equals` and `one_of` can't hold together
*metric: wall_s, one_of: [1, 9], min: 2, max: 8 | .one_of: `one_of`, `min` and `max` can't hold together
metric: wall_s, max: 1, where: {} | .where: is empty
metric: wall_s, max: 1, where: {guard: []} | .where.guard: is an empty list | give it values, or remove it
metric: wall_s, max: 1, where: {gaurd: none} | .where.gaurd: scenario 'bank' has no such param
status: timeout, stat: share | : does not say what the share must be
*status: timeout, where: {guard: rlock} | .where.guard: no case has rlock here
*status: ok, stat: share, max: -0.1 | .max: -0.1 is no share: a share is between 0 and 1
*status: ok, stat: share, between: [0, 50] | .between: 50 is no share: a share is between 0 and 1
"""


class Mistake(NamedTuple):
    """A file, and what is told of it."""

    text: str
    told: str
    hint: str | None
    is_seen_by_editors: bool


def _mistakes(table, before="", after="", where=""):
    """Yield the rows of a table; what stands in them is put where it belongs."""
    for row in table.strip().replace("\n    |", " |").splitlines():
        text, told, *hint = row.removeprefix("*").split(" | ")
        head = "scenario: bank\n" if text.startswith("sweep") else HEAD
        hint = hint[0] if hint else None
        yield Mistake(f"{head}{before}{text}{after}\n", where + told, hint, not row.startswith("*"))


MISTAKES = [
    *_mistakes(KEYS),
    *_mistakes(RULES, "outcomes: {final_balance: [{", "}]}", "outcomes.final_balance[0]"),
    *_mistakes(EXPECTATIONS, "expect: [{", "}]", "expect[0]"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.text.splitlines()[-1][:70])
def test_a_mistake_is_told_in_words_where_it_stands(mistakes, mistake):
    (found,) = mistakes(mistake.text)
    assert f"{found.where}: {found.message}" == mistake.told
    assert mistake.hint in (None, found.hint or "no hint")
