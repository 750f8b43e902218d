"""What warroom tells about its own work: spans as plain data, and their way to a collector. Off unless a setting is."""
