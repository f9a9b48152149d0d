"""One supervisor and its workers: processes, signals, sockets, and the swap of a bundle."""
