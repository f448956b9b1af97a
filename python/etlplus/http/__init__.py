"""The HTTP side: webhooks, and whether the service lives. It is off unless an address is set."""
