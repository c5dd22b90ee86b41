"""Whether a scheduler answers at an address, and whether it is still there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import dask
from distributed import Client, Security
from distributed.client import ClosedClientError
from distributed.comm.core import FatalCommClosedError
from distributed.core import rpc

from experiments.config.errors import ClusterError

AWAY = (OSError, CancelledError, ClosedClientError)
"""What a client raises whose scheduler is away; Dask's own errors are among them."""


class LostSchedulerError(RuntimeError):
    """The scheduler went away while it was talked to."""


@contextlib.contextmanager
def talking(client: Client) -> Iterator[None]:
    """Around what a client asks of its scheduler, and nothing else: files fail in the same ways.

    Raises:
        LostSchedulerError: If the scheduler is away.
    """
    try:
        yield
    except Exception as error:
        # A client that was closed under our hands raises whatever it stumbles on.
        if isinstance(error, AWAY) or client.status != "running":
            raise LostSchedulerError(repr(error)) from error
        raise


def greet(address: str, patience: float) -> None:
    """Make sure that a scheduler answers: a client would wait for ever where nobody speaks.

    Raises:
        OSError: If nobody answers in so many seconds.
        ClusterError: If something else is there, or TLS is not configured, or does not fit.
    """
    if dask.config.get("distributed.client.security-loader", None):
        return  # Only a client knows what that would give.
    try:
        arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
    except OSError as error:
        raise ClusterError(f"the certificates for --scheduler {address!r}: {error}") from error
    trouble: OSError = TimeoutError("no answer")

    async def ask() -> Any:
        nonlocal trouble
        while True:
            try:
                there: Any = rpc(address, timeout=patience, connection_args=arguments)  # type: ignore[no-untyped-call]
                async with there:
                    return (await there.identity()).get("type")
            except FatalCommClosedError:
                raise
            except OSError as error:  # It may be about to start.
                trouble = error
                await asyncio.sleep(0.2)

    try:
        kind = asyncio.run(asyncio.wait_for(ask(), patience))
    except TimeoutError:
        raise trouble from None
    except Exception as error:
        # Certificates that do not fit, and how Dask says that it has none.
        tls = (FatalCommClosedError, TypeError) if address.startswith("tls://") else ()
        why = (
            str(error)
            if isinstance(error, tls)
            else f"what answers there is no Dask scheduler ({error!r})"
        )
        raise ClusterError(f"--scheduler {address!r}: {why}") from error
    if kind != "Scheduler":
        raise ClusterError(f"--scheduler {address!r}: what answers there is a Dask {kind}")
