"""The speed benchmark. ``rows`` and ``scaling`` are what is asked, as data.

``measuring`` takes figures of what ``speeds``, ``solving``, ``sbx_shim`` and ``limits`` set up;
``ratios`` and ``ratio_figure`` tell them.
"""
