"""What the operating system says of processes."""

import psutil

from tests.raw_client import RawClient
from tests.waiting import eventually


def is_running(process_id: int) -> bool:
    """Whether a process runs; one that ended and was not yet asked about has ended."""
    try:
        return psutil.Process(process_id).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def engines_of(process_id: int) -> list[int]:
    """The running engines of a server."""
    try:
        children = psutil.Process(process_id).children()
    except psutil.NoSuchProcess:
        return []
    return [child.pid for child in children if is_running(child.pid)]


async def engine_of(client: RawClient) -> int:
    """The one engine of a server, once it runs and those before it have ended."""

    def only() -> list[int] | None:
        engines = engines_of(client.process.pid)
        return engines if len(engines) == 1 else None

    (engine,) = await eventually(only)
    return engine
