"""All stores over one memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from etlplus.app.ports import Stores
from etlplus.store.memory.arrivals import MemoryArrivals
from etlplus.store.memory.connections import MemoryConnections
from etlplus.store.memory.events import MemoryEvents
from etlplus.store.memory.jobs import MemoryJobs
from etlplus.store.memory.pipelines import MemoryPipelines
from etlplus.store.memory.queue import MemoryHistory, MemoryQueue
from etlplus.store.memory.records import MemoryKeys, MemoryLoads, MemoryRequests, MemoryTokens
from etlplus.store.memory.schedules import MemorySchedules
from etlplus.store.memory.state import Memory
from etlplus.store.memory.triggers import MemoryTriggers
from etlplus.store.memory.windows import MemoryWindows


class MemoryStores(Stores):
    """Twins that share a memory; each instance is an empty database of its own."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        """Makes the twins. `clock` gives the time, with a zone; by default the machine's."""
        memory = Memory(clock)
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
            schedules=MemorySchedules(memory),
            triggers=MemoryTriggers(memory),
            queue=MemoryQueue(memory),
            history=MemoryHistory(),
            windows=MemoryWindows(memory),
            arrivals=MemoryArrivals(memory),
        )
