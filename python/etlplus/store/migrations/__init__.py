"""The schema's history: numbered SQL files that are applied once, in order, and never edited."""
