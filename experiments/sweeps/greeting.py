"""Whether a scheduler answers at an address."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from distributed import Security
from distributed.core import rpc

from experiments.errors import ClusterError


def greet(address: str, patience: float) -> None:
    """Make sure that a scheduler answers: a client would wait for ever where nobody speaks.

    Args:
        address: ``tcp://host:port`` or ``tls://host:port``.
        patience: Seconds in which it has to.

    Raises:
        OSError: If nobody answers in that time.
        ClusterError: If something else is there, or TLS is not configured.
    """
    troubles: list[OSError] = []

    async def ask() -> Mapping[str, Any]:
        arguments = Security().get_connection_args("client")  # type: ignore[no-untyped-call]
        while True:
            try:
                there: Any = rpc(address, timeout=patience, connection_args=arguments)  # type: ignore[no-untyped-call]
                async with there:
                    known: Mapping[str, Any] = await there.identity()
                    return known
            except OSError as error:  # It may be about to start.
                troubles.append(error)
                await asyncio.sleep(0.2)

    try:
        kind = asyncio.run(asyncio.wait_for(ask(), patience)).get("type")
    except TimeoutError:
        raise (troubles or [TimeoutError("no answer")])[-1] from None
    except (TypeError, ValueError) as error:  # how Dask says that it has no certificates
        raise ClusterError(f"--scheduler {address!r}: {error}") from error
    except Exception as error:
        raise ClusterError(
            f"--scheduler {address!r}: what answers there is no Dask scheduler ({error!r})"
        ) from error
    if kind != "Scheduler":
        raise ClusterError(f"--scheduler {address!r}: what answers there is a Dask {kind}")
