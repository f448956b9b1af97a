"""The works that the speed and memory of ETL Plus are judged by, each beside its peers."""
