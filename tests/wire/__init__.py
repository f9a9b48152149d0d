"""What is tried over sockets, as clients see it."""
