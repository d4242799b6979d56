"""Plugins: the hooks that they may implement, finding and loading them, and telling them what happened."""
