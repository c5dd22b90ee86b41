"""The fault suite: real processes, real signals. Short here, whole with ``make faults``."""
