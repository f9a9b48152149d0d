"""One module per wire contract: bytes in, bytes out. None of them knows Flask or sockets."""
