"""Tables to figures and pages, for ``experiments.plot``.

``drawing`` is what all of them share. ``comparison`` holds for any table; ``frontier``,
``ablation`` and ``transfer`` know the shape of one sweep, and give nothing where it is not there.
"""
