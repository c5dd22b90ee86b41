"""Tables to figures and pages, for ``experiments.plot``.

``folder`` draws whatever a results folder has tables for. ``comparison`` holds for any table;
``frontier``, ``ablation`` and ``transfer`` know the shape of one sweep, and give nothing where it
is not there; ``reach`` joins several folders. ``console`` has the tables that commands print.
"""
