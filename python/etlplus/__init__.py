"""ETL Plus: a self-hosted ETL service. Start with `etlplus.client` or the command `etlplus`."""
