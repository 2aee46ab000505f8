"""Debian's nginx as a plain proxy with one worker, and as the TLS terminator in front of the mock."""

import re
import subprocess

from bench import install
from bench.rig import Rig, free_port
from bench.targets.contract import CHAT, EMBEDDINGS, TRANSCRIPTIONS, Route, Running, Target

# Limits are raised to where they do not decide: 512 streams at once, 4 MiB bodies, no connection recycled.
_FRAME = """
daemon off; master_process {master}; worker_processes 1; pid {folder}/{name}.pid; error_log stderr crit;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 600s; tcp_nodelay on;
  client_max_body_size 64m; client_body_buffer_size 64k; client_header_buffer_size 4k;
  proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_read_timeout 120s;
  client_body_temp_path {folder}/{name}-body; proxy_temp_path {folder}/{name}-proxy;
  fastcgi_temp_path {folder}/{name}-f; uwsgi_temp_path {folder}/{name}-u; scgi_temp_path {folder}/{name}-s;
  {content}
}}
"""

_UPSTREAM = "upstream {name} {{ server 127.0.0.1:{port}; keepalive 1024; keepalive_requests 100000000; }}"

_PROXY = """
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_pass http://mock; }}
    location /sse/ {{ proxy_buffering off; proxy_pass http://mock/; }}
    location /large/ {{ proxy_request_buffering off; proxy_pass http://mock/; }}
    {tls}
  }}"""

_PROXY_TLS = """location /tls/ {{
      proxy_pass https://secure/; proxy_ssl_verify on; proxy_ssl_trusted_certificate {ca};
      proxy_ssl_name localhost; proxy_ssl_session_reuse on;
    }}"""

_TERMINATOR = """
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_certificate {ca}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    location / {{ proxy_buffering off; proxy_pass http://mock; }}
  }}"""


def _version(binary: str) -> str:
    text = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=False).stderr
    found = re.search(r"nginx/(\S+)", text)
    return found.group(1) if found else "unknown"


class Nginx(Target):
    """The floor for I/O: no JSON, no keys, no accounting."""

    name = "nginx"

    def install(self) -> None:
        """Debian's package, unpacked when it is not installed."""
        self._binary = install.nginx()

    def _configure(self, content: str) -> list[str]:
        path = self.rig.folder / f"{self.name}.conf"
        path.write_text(_FRAME.format(folder=self.rig.folder, name=self.name, content=content, master="on"))
        return [self._binary, "-e", "stderr", "-p", str(self.rig.folder), "-c", str(path)]

    def start(self) -> Running:
        """One worker, keep-alive to the upstream; streams through an unbuffered location."""
        self.install()
        port = free_port()
        content = _UPSTREAM.format(name="mock", port=self.rig.mock_port)
        routes = {"plain": Route(), "stream": Route("/sse" + CHAT), "large": Route("/large" + CHAT)}
        routes |= {"embeddings": Route(EMBEDDINGS), "upload": Route("/large" + TRANSCRIPTIONS)}
        tls = ""
        if self.rig.tls_port is not None:
            content += "\n  " + _UPSTREAM.format(name="secure", port=self.rig.tls_port)
            routes["tls"] = Route("/tls" + CHAT)
            tls = _PROXY_TLS.format(ca=self.rig.ca_file)
        pid = self.spawn(self._configure(content + _PROXY.format(port=port, tls=tls)))
        return self.wait_healthy(Running(self.name, port, (pid,), routes, _version(self._binary)), deadline_s=10)


class TlsTerminator(Nginx):
    """Gives the mock a TLS port. Part of the rig: its CPU belongs to nobody."""

    name = "tls-terminator"

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig)
        self.port = free_port()

    def start(self) -> Running:
        """Listens with the rig's certificate; its health shows in the proxies that go through it."""
        self.install()
        content = _UPSTREAM.format(name="mock", port=self.rig.mock_port)
        content += _TERMINATOR.format(port=self.port, ca=self.rig.ca_file, key=self.rig.key_file)
        pid = self.spawn(self._configure(content))
        return Running(self.name, self.port, (pid,), {}, _version(self._binary))
