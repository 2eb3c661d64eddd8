"""Each web server with the gateway behind it, configured by the snippets of other-servers.rst."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import docutils.core
import docutils.nodes
import pytest

from interop.processes import GATEWAY, TESTS, free_port, program, running

PAGE = TESTS.parent / "docs" / "other-servers.rst"

INI = """\
[app:main]
paste.app_factory = interop.app:make_app

{server}
threads = 4
max_request_body = 30M
"""

SERVER = """\
[server:iis]
use = egg:iiswsgi#iis
log_file = {folder}/iiswsgi.log
"""

NGINX = """\
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/nginx-body;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    proxy_temp_path {folder}/nginx-proxy;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    {upstream}
    server {{
        listen 127.0.0.1:{port};
        {content}
    }}
}}
"""

LIGHTTPD = """\
server.port = {port}
server.bind = "127.0.0.1"
server.document-root = "{folder}/root"
server.errorlog = "{folder}/error.log"
server.upload-dirs = ( "{folder}" )
server.max-keep-alive-idle = 1
{content}
"""

APACHE = """\
ServerRoot {folder}
ServerName localhost
DocumentRoot {folder}/root
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
Mutex file:{folder}
{content}
FcgidIPCDir {folder}
FcgidProcessTableFile {folder}/fcgid-table
FcgidInitialEnv PYTHONPATH {tests}
"""


@dataclass
class Server:
    """A web server that runs, with the gateway behind it."""

    port: int
    folder: Path

    @property
    def log(self):
        """What the gateway has logged."""
        return (self.folder / "iiswsgi.log").read_text(encoding="utf-8")

    @property
    def error_log(self):
        """What the web server has."""
        return (self.folder / "error.log").read_text(encoding="utf-8")


def snippet(name, folder, address="127.0.0.1:9000"):
    """One of the page's literal blocks, for this machine."""
    tree = docutils.core.publish_doctree(PAGE.read_text(encoding="utf-8"))
    [text] = [
        node.astext()
        for node in tree.findall(docutils.nodes.literal_block)
        if name in node["names"]
    ]
    text = text.replace("/srv/site/venv/bin/python", sys.executable)
    text = text.replace("include fastcgi_params", "include /etc/nginx/fastcgi_params")
    return text.replace("/srv/site", str(folder)).replace("127.0.0.1:9000", address)


def write_ini(folder, server=SERVER):
    ini = folder / "app.ini"
    ini.write_text(INI.format(server=server.format(folder=folder)), encoding="utf-8")
    return ini


@contextlib.contextmanager
def gateway(folder, listen):
    """The gateway listening for itself; gives its process."""
    ini = write_ini(folder, snippet("ini-listen", folder, listen))
    ready = listen[5:] if listen.startswith("unix:") else int(listen.rpartition(":")[2])
    with running([*GATEWAY, ini], folder / "gateway.out", ready=ready) as process:
        yield process


@contextlib.contextmanager
def nginx_alone(folder, address, *, keep=False, unbuffered=False):
    """nginx in front of what listens at *address*, at / and below /app/."""
    target = "site" if keep else address
    options = snippet("nginx-options", folder).splitlines()
    unwanted = [] if unbuffered else ["buffering off"]
    unwanted += [] if keep else ["keep_conn"]
    content = [
        *(line for line in options if not any(word in line for word in unwanted)),
        snippet("nginx", folder, target),
        snippet("nginx-below", folder, target),
    ]
    port = free_port()
    config = folder / "nginx.conf"
    text = NGINX.format(
        folder=folder,
        port=port,
        user="user root;" if os.geteuid() == 0 else "",
        upstream=snippet("nginx-upstream", folder, address) if keep else "",
        content="\n".join(content),
    )
    config.write_text(text, encoding="utf-8")
    command = [program("nginx"), "-c", config, "-p", folder, "-e", folder / "error.log"]
    with running(command, folder / "nginx.out", ready=port):
        yield Server(port, folder)


@contextlib.contextmanager
def nginx(folder, *, unix=False, keep=False, unbuffered=False):
    program("nginx")
    address = f"unix:{folder}/app.sock" if unix else f"127.0.0.1:{free_port()}"
    with (
        gateway(folder, address),
        nginx_alone(folder, address, keep=keep, unbuffered=unbuffered) as server,
    ):
        yield server


@contextlib.contextmanager
def lighttpd(folder):
    """Spawns one pool for / and another for /app."""
    write_ini(folder)
    (folder / "root").mkdir()
    root = snippet("lighttpd", folder)
    below = root[root.index("fastcgi.server") : root.index("server.stream")]
    below = below.replace('"/"', '"/app"').replace("app.sock", "below.sock")
    below = below.replace("fastcgi.server =", "fastcgi.server +=")
    port = free_port()
    config = folder / "lighttpd.conf"
    # The first prefix that fits is taken.
    content = root.replace("fastcgi.server =", f"{below}\nfastcgi.server +=")
    config.write_text(LIGHTTPD.format(folder=folder, port=port, content=content), encoding="utf-8")
    command = [program("lighttpd"), "-D", "-f", config]
    with running(command, folder / "lighttpd.out", ready=port):
        yield Server(port, folder)


@contextlib.contextmanager
def apache(folder):
    """Apache with mod_fcgid."""
    program("/usr/lib/apache2/modules/mod_fcgid.so")
    write_ini(folder)
    (folder / "root").mkdir()
    content = snippet("apache-fcgid", folder)
    root = next(line for line in content.splitlines() if line.startswith("ScriptAlias"))
    below = root.replace(" / ", " /app ").rstrip("/")
    port = free_port()
    config = folder / "apache.conf"
    text = APACHE.format(
        folder=folder, port=port, tests=TESTS, content=content.replace(root, f"{below}\n{root}")
    )
    config.write_text(text, encoding="utf-8")
    command = [*not_root(), program("apache2"), "-DFOREGROUND", "-f", config]
    with running(command, folder / "apache.out", ready=port):
        yield Server(port, folder)


def not_root():
    """A command prefix that makes root nobody, for Apache does not serve as root.

    Root's files, the interpreter perhaps, stay readable in a user namespace.
    """
    if os.geteuid() != 0:
        return []
    command = ["unshare", "--user"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], check=False, capture_output=True).returncode
    ):
        pytest.skip("Apache does not serve as root, and no user namespaces here; be another user")
    return command
