"""Serve WSGI applications from Microsoft IIS.

The rooms, from the wire to the user:

``fastcgi``  bytes to requests and back; the named pipe and the sockets
``wsgi``     server variables to an environ, and one WSGI call
``runtime``  the process around it: settings, log, standard streams, shutdown
``server``   joins the three; the Paste entry points
``iis``      IIS's configuration as data
``host``     the IIS stand-in, for every machine that has no IIS
``cli``      the ``iiswsgi`` command
"""

__version__ = "1.0.0.dev0"
