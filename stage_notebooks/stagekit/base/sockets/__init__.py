"""Unix sockets, through which processes of one user speak."""
