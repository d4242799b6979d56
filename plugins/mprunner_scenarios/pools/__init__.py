"""The parts of pool-map: its tasks, and the loop and the pools that they are mapped in."""
