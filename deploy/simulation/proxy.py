"""The proxy in front: nginx as it comes, one process, in a folder of its own.

It is told nothing of restarts and repeats no request that was sent, so that a connection reset by the service becomes a failed request.
`max_fails=0`: what refuses a connection is asked again with the next request, as there is nobody to say that it is back.
"""

from pathlib import Path

_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  {temporary}
  upstream api {{
    {servers}
    keepalive 32;
  }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 16m;
    location / {{
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_buffering off;
      proxy_read_timeout 120s;
    }}
  }}
}}
"""


def nginx_command(folder: Path, port: int, upstreams: list[int]) -> list[str]:
    """Write the configuration for a proxy on loopback's `port` in front of `upstreams`; the command that runs it."""
    servers = "\n    ".join(f"server 127.0.0.1:{upstream} max_fails=0;" for upstream in upstreams)
    temporary = "\n  ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY)
    file = folder / "nginx.conf"
    file.write_text(_CONFIGURATION.format(folder=folder, port=port, servers=servers, temporary=temporary))
    return ["nginx", "-e", str(folder / "nginx-error.log"), "-p", str(folder), "-c", str(file)]
