"""The process side: the launcher, its containment, the trial's own side, and how they talk to the runner.

Started as ``python -m mprunner.worker``: multiprocessing does not re-import a main module whose name ends in
``.__main__``, so a spawned actor imports nothing of the launcher. Everything imported here makes the fork of
every trial slower and what a scenario measures less true: standard library only, and little of it.
"""
