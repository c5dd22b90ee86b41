"""The packed search: a uniform random policy until its first reward, as fast as the machine can.

``search`` runs it, ``task`` says what can be searched (bits are flipped, or a string is written),
``episodes`` what each numbered episode is.
``backends`` plays blocks of them: ``arrays`` on NumPy or PyTorch, ``compiled`` with numba.
"""
