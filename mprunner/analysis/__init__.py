"""What the tables say: statistics, comparison with a baseline, sentences. Pure functions of frames and numbers."""
