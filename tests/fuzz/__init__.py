"""A seeded fuzzer for the wire and for the response side: ``python -m tests.fuzz``.

``conversation``  what a web server sends, with the answers that are due
``harm``          what may become of it on the way
``site``          the application that is asked, and what it must answer
``hostile``       applications that break rules, and what may come of that
``wire``          a transport that watches, and what its record of the output must look like
``world``         the gateway around all this, and one case from its seed to its verdict
"""
