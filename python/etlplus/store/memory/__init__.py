"""The stores in memory, for tests: they pass the conformance suite of the real ones."""
