"""Frozen values that the stages pass on: standard library only. Every worker imports this, so it is empty."""
