"""What a fault is: its number in the catalogue, how often it strikes, and how."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.load import MODES, Mode
from tests.faults.oracle import Verdict
from tests.faults.scene import Scene


@dataclass(frozen=True, slots=True)
class Strike:
    """One strike: where, with which luck, and which one it is.

    Attributes:
        number: from 0; modes and variants take turns by it.
    """

    scene: Scene
    draw: random.Random
    number: int

    @property
    def mode(self) -> Mode:
        """The mode whose turn it is."""
        return MODES[self.number % len(MODES)]


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault.

    Attributes:
        id: its number, as `F01`.
        what: in a few words.
        strike: does it once, lets everything heal, and judges.
        short: strikes in the test suite.
        long: strikes of `make faults`.
    """

    id: str
    what: str
    strike: Callable[[Strike], Verdict]
    short: int
    long: int

    @property
    def name(self) -> str:
        """Its number and what it is."""
        return f"{self.id} {self.what}"
