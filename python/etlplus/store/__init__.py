"""The Postgres edge: where the service keeps what it knows."""
