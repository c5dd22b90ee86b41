"""What a run needs of its process, which is its caller's process too."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch as th


@contextlib.contextmanager
def borrowed_process(device: str) -> Iterator[None]:
    """Within it this process is for one run on a device; afterwards it is as it was.

    SB3 seeds every global generator there is, and chooses cuDNN's algorithms.
    """
    threads, cudnn = th.get_num_threads(), th.backends.cudnn
    chosen = cudnn.deterministic, cudnn.benchmark
    generators = random.getstate(), np.random.get_state()  # noqa: NPY002  (the one SB3 seeds)
    initialized = th.cuda.is_initialized()  # type: ignore[no-untyped-call]
    gpus = range(th.cuda.device_count()) if initialized else ()
    try:
        with th.random.fork_rng(devices=gpus):
            if device == "cpu":
                # A run is a chain of small products: threads gain 6% at width 256 (two of them
                # measured), runs side by side gain the whole core.
                th.set_num_threads(1)
            yield
    finally:
        th.set_num_threads(threads)
        cudnn.deterministic, cudnn.benchmark = chosen
        random.setstate(generators[0])
        np.random.set_state(generators[1])  # noqa: NPY002
