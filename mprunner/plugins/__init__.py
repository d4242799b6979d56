"""Plugins: the hooks, finding and loading what implements them, and notifying it of what happened.

``mprunner.hookimpl`` imports this face in every actor of a plugin that uses it: it is empty.
"""
