"""The speed benchmark: what is measured, against whom, and how it is told.

Arrows run one way: ``measuring`` knows nothing of what is measured; ``environments``, ``learners``,
``solving``, ``sbx_shim`` and ``limits`` each measure something; ``rows`` and ``scaling`` are data
that name them; ``tables``, ``figure`` and ``scale_figure`` show what came out.
"""
