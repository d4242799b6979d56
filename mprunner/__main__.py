"""``python -m mprunner`` is ``mprunner``."""

from mprunner.cli import main

if __name__ == "__main__":
    main()
