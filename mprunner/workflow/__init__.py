"""The stages of a command, from what a person asked for to what is told."""
