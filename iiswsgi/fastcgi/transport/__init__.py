"""Where the bytes come from and go to: a named pipe, a socket, or what was inherited.

``base``       what every transport offers
``sockets``    a stream socket, connected by whoever
``listener``   a listening socket: one connection a thread
``slots``      how many requests run at once on sockets
``pipe``       the named pipe on STDIN; Windows only
``inherited``  what fd 0 is, and how to get hold of it
"""
