"""Where the bytes come from and go to: a named pipe, a socket, or what was inherited."""
