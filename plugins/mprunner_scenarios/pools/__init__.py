"""The parts of pool-map: its tasks, the user's own function, and the loop and the pools that it is mapped in."""
