"""A function to change and to measure; see before-after.yaml."""

WORDS = 3_000
"""How many words a text has."""


def count_words(text: int) -> dict[int, int]:
    """Count how often each word is in a text of numbers."""
    counts: dict[int, int] = {}
    for place in range(WORDS):
        word = (text + place * place) % 97
        counts[word] = counts.get(word, 0) + 1
    return counts
