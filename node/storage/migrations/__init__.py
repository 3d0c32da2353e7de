"""Steps from one schema to the next, append-only once released. Run by ``node/storage/migrate.py``."""
