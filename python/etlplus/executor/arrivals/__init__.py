"""Files that arrive: finds them, waits until they have settled, tells contents apart."""
