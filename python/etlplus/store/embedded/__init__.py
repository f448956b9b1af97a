"""PostgreSQL as a part of the product: started, watched and stopped by its owner."""
