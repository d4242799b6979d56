"""The stages of a command, from what a person asked for to the results."""
