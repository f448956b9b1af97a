"""What every call passes, outermost first. One file each; the order is in `chain`."""
