"""One worker: its loop, its connections, two lanes, limits and a drain."""
