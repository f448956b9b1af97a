"""The worker: claims jobs, runs them in threads, publishes. Only here async meets threads."""
