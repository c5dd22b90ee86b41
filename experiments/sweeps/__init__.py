"""Many runs on many processes or machines, and what survives when some of them die.

Arrows run one way: ``sweep`` decides what is missing and alone writes; ``execution`` has calls
made by a cluster's workers and begins them again where one died; ``clusters``, ``greeting`` and
``crew`` know who those workers are, ``work`` is what one of them does; ``deaths``, ``display``,
``journal`` and ``estimate`` tell a person of it. ``transfer`` has trained weights looked at in the
same way.
"""
