"""What an actor executes, inside the measurement: standard library only. Every actor imports this, so it is empty."""
