"""The public Pollock benchmark: 2 290 polluted CSV files, read without a hint."""
