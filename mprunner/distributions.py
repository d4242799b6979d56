"""What installed distributions are called and which version they are."""

from importlib.metadata import Distribution, PackageNotFoundError, distribution


def identity_of(installed: Distribution) -> tuple[str, str]:
    """Return a distribution's name and version; empty where it does not say.

    ``importlib.metadata`` parses all that it says of itself for either, its README among it: a millisecond each, of
    which a run needs twenty.
    """
    said: dict[str, str] = {}
    text = installed.read_text("METADATA") or installed.read_text("PKG-INFO") or ""
    for line in text.splitlines():
        if not line:
            break  # what follows is the README
        key, _, value = line.partition(":")
        said.setdefault(key.lower(), value.strip())
    return said.get("name", ""), said.get("version", "")


def version_of(package: str) -> str | None:
    """Return the version of an installed package; None if it is not installed, or does not say."""
    try:
        return identity_of(distribution(package))[1] or None
    except PackageNotFoundError:
        return None
