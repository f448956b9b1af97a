"""What ETL Plus is measured against; each module is one process."""
