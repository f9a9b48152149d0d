"""Pages for people, which a browser shows."""
