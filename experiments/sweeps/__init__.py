"""Many runs on many processes or machines, and what survives when some of them die.

Arrows run one way. ``sweep`` decides what is missing and alone writes; ``transfer`` has trained
weights looked at, and keeps the file of it. Both have their calls made by ``execution``, on workers
that ``clusters`` starts or finds and ``workers`` picks, and begun again where a worker or the
``scheduler`` is lost. ``on_worker`` is what a worker does, ``training`` one run, in a process whose
``process_state`` it leaves as it was. ``progress`` and ``estimates`` tell a person.
"""
