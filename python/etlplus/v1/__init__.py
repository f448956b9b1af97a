"""Generated from `proto/`. Never edited; `make gen` writes it."""
