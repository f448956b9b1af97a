"""All stores over one memory."""

from __future__ import annotations

from etlplus.app.ports import Stores
from etlplus.store.memory.connections import MemoryConnections
from etlplus.store.memory.events import MemoryEvents
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.pipelines import MemoryPipelines
from etlplus.store.memory.records import MemoryKeys, MemoryLoads, MemoryRequests, MemoryTokens
from etlplus.store.memory.state import Memory


class MemoryStores(Stores):
    """Twins that share a memory; each instance is an empty database of its own."""

    def __init__(self) -> None:
        """Makes the twins."""
        memory = Memory()
        super().__init__(
            pipelines=MemoryPipelines(memory),
            connections=MemoryConnections(memory),
            jobs=MemoryJobs(memory),
            events=MemoryEvents(memory),
            wakeups=memory.hub,
            tokens=MemoryTokens(memory),
            requests=MemoryRequests(memory),
            loads=MemoryLoads(memory),
            keys=MemoryKeys(memory),
        )
