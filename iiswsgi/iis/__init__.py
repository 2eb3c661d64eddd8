"""IIS's configuration as data."""
