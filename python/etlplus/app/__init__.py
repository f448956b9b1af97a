"""Use cases. They speak to ports only and raise the errors of the domain."""
