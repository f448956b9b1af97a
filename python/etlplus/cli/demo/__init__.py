"""The demonstration: a real pipeline on real data, through a server of its own."""
