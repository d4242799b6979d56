"""What git is told by its environment."""

from collections.abc import Mapping


def without_repository(environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables without those of git that name a repository, as a hook has them: a folder's own is meant."""
    kept = ("GIT_CONFIG_", "GIT_CEILING_DIRECTORIES")
    return {k: v for k, v in environment.items() if not k.startswith("GIT_") or k.startswith(kept)}
