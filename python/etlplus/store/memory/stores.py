"""All stores over one memory."""

from __future__ import annotations

from etlplus.store.memory.connections import MemoryConnections
from etlplus.store.memory.events import MemoryEvents
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.pipelines import MemoryPipelines
from etlplus.store.memory.records import MemoryKeys, MemoryLoads, MemoryRequests, MemoryTokens
from etlplus.store.memory.state import Memory


class MemoryStores:
    """Twins that share a memory; each instance is an empty database of its own."""

    def __init__(self) -> None:
        """Makes the twins."""
        memory = Memory()
        self.wakeups = memory.hub
        self.pipelines = MemoryPipelines(memory)
        self.connections = MemoryConnections(memory)
        self.jobs = MemoryJobs(memory)
        self.events = MemoryEvents(memory)
        self.tokens = MemoryTokens(memory)
        self.requests = MemoryRequests(memory)
        self.loads = MemoryLoads(memory)
        self.keys = MemoryKeys(memory)
