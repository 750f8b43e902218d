"""Settings: from flags, the environment and files, each value with where it came from."""
