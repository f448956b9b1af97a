"""The gRPC edge: server, interceptors, statuses, conversion, and one servicer per service."""
