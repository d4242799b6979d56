"""Two functions to measure, and what they are called with; see own-function.yaml."""

import random
import zlib
from collections import Counter
from collections.abc import Iterator

WORDS = (
    "a",
    "process",
    "thread",
    "pool",
    "lock",
    "race",
    "worker",
    "actor",
    "task",
    "chunk",
    "of",
    "the",
    "and",
)


def texts() -> Iterator[str]:
    """Yield 64 texts of 20,000 words, the same ones in every trial."""
    rng = random.Random(0)
    for _ in range(64):
        yield " ".join(rng.choices(WORDS, k=20_000))


def compressed_size(text: str) -> int:
    """Return how many bytes a text takes when it is compressed; most of this is done in C, without the lock."""
    return len(zlib.compress(text.encode()))


def count_words(text: str) -> dict[str, int]:
    """Count how often each word is in a text; all of this is done in Python, holding the lock."""
    counts: dict[str, int] = Counter()
    for word in text.split():
        counts[word] += 1
    return dict(counts)
