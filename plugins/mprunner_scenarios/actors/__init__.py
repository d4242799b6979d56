"""What the bundled scenarios' actors execute.

A spawned actor imports these modules inside the measurement, so they import nothing.
"""
