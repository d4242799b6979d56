"""What several of the bundled scenarios have in common."""
