"""What iiswsgi relies on of flup.server.fcgi_base, which carries no types itself.

Private names stand here too, for the gateway's classes derive from these. That they are there is
held against the installed flup by tests/fastcgi/test_connection.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

FCGI_MAX_CONNS: str
FCGI_MAX_REQS: str
FCGI_MPXS_CONNS: str

class OutputStream:
    _conn: Any
    _req: Any
    _type: int
    _bufList: list[bytes]
    dataWritten: bool
    closed: bool
    def __init__(self, conn: Any, req: Any, type: int, buffered: bool = ...) -> None: ...
    def _write(self, data: Any) -> None: ...
    def write(self, data: bytes) -> None: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...

class Request:
    _conn: Any
    _timeout: int
    server: Any
    params: dict[str, str]
    stdin: Any
    stdout: Any
    stderr: Any
    requestId: int
    role: int
    flags: int
    aborted: bool
    def run(self) -> None: ...
    def _end(self, appStatus: int = ..., protocolStatus: int = ...) -> None: ...
    def _flush(self) -> None: ...

class Connection:
    _sock: Any
    _timeout: int
    _keepGoing: bool
    _requests: dict[int, Any]
    server: Any
    def __init__(self, sock: Any, addr: Any, server: Any, timeout: int) -> None: ...
    def run(self) -> None: ...
    def process_input(self) -> None: ...
    def writeRecord(self, rec: Any) -> None: ...
    def _start_request(self, req: Any) -> None: ...

class BaseFCGIServer:
    application: Any
    roles: Iterable[int]
    capability: dict[str, int]
    _connectionClass: Any
    def __init__(
        self, application: Any, environ: Mapping[str, str] | None = ..., *, roles: Iterable[int]
    ) -> None: ...
