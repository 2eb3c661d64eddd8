"""Serve WSGI applications from Microsoft IIS.

The rooms, from the wire to the user:

``fastcgi``  bytes to requests and back; the named pipe and the sockets
``wsgi``     server variables to an environ, and one WSGI call
``runtime``  the process around it: settings, log, standard streams, shutdown
``launch``   gets a process ready to serve, before the application is imported
``gateway``  joins the first two: the server; ``extras`` is what settings ask for besides
``server``   an application served to its end; the Paste entry points
``serving``  ``iiswsgi serve``: a process made ready, an application loaded; from an INI file or a
             ``target``, which is a callable in a module; ``later`` is what that start leaves out
``iis``      IIS's configuration as data
``host``     the IIS stand-in, for every machine that has no IIS
``deploy``   Web Deploy packages and WebPI feeds, made, read and installed
``process``  the one way to run another program
``cli``      the ``iiswsgi`` command; ``commands`` has its subcommands

Each setuptools command is a module of its own name: ``build_msdeploy``, ``bdist_msdeploy``,
``install_msdeploy``, ``test_msdeploy``, ``bdist_webpi``, ``clean_webpi``. They share ``options``,
and ``setupcommand`` runs them where there is no setup.py.
"""

__version__ = "1.0.0.dev0"
