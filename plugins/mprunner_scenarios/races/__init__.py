"""The parts of own-race: the user's class, the states that it may end in, its rounds."""
