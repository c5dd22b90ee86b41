"""Whether a scheduler answers at an address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import dask
from distributed import Security
from distributed.comm.core import FatalCommClosedError
from distributed.core import rpc

from experiments.config.errors import ClusterError


def greet(address: str, patience: float) -> None:
    """Make sure that a scheduler answers: a client would wait for ever where nobody speaks.

    Args:
        address: ``tcp://host:port`` or ``tls://host:port``.
        patience: Seconds in which it has to.

    Raises:
        OSError: If nobody answers in that time.
        ClusterError: If something else is there, or TLS is not configured, or does not fit.
    """
    if dask.config.get("distributed.client.security-loader", None):
        return  # Only a client knows what that would give.
    troubles: list[OSError] = []

    async def ask() -> Mapping[str, Any]:
        arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
        while True:
            try:
                there: Any = rpc(address, timeout=patience, connection_args=arguments)  # type: ignore[no-untyped-call]
                async with there:
                    known: Mapping[str, Any] = await there.identity()
                    return known
            except FatalCommClosedError:  # certificates that do not fit
                raise
            except OSError as error:  # It may be about to start.
                troubles.append(error)
                await asyncio.sleep(0.2)

    try:
        kind = asyncio.run(asyncio.wait_for(ask(), patience)).get("type")
    except TimeoutError:
        raise (troubles or [TimeoutError("no answer")])[-1] from None
    except FatalCommClosedError as error:
        raise ClusterError(f"--scheduler {address!r}: {error}") from error
    except Exception as error:
        if address.startswith("tls://") and isinstance(error, TypeError):
            # How Dask says that it has no certificates.
            raise ClusterError(f"--scheduler {address!r}: {error}") from error
        raise ClusterError(
            f"--scheduler {address!r}: what answers there is no Dask scheduler ({error!r})"
        ) from error
    if kind != "Scheduler":
        raise ClusterError(f"--scheduler {address!r}: what answers there is a Dask {kind}")
