"""The speed benchmark. ``rows`` and ``scaling`` are what is asked, as data.

``measuring`` takes figures of what ``environment_speed``, ``learner_speed``, ``solving``,
``sbx_shim`` and ``limits`` set up; ``verdicts``, ``ratio_table`` and ``ratio_figure`` tell them.
"""
