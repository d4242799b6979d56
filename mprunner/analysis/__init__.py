"""What the tables say, in numbers: statistics, comparison, verdict. Pure functions of frames and numbers.

Adaptive repeats need the statistics before the first trial, and not pandas, which other modules import: this face is
empty.
"""
