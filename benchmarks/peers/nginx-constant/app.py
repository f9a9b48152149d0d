"""``python app.py PORT WORKERS``: nginx answers whatever it is asked with one class."""

import os
import sys
from pathlib import Path

CONFIGURATION = """
daemon off;
error_log stderr;
pid {here}/nginx-constant.pid;
worker_processes {workers};

events {{
    worker_connections 1024;
}}

http {{
    access_log off;
    keepalive_requests 100000000;
    client_body_temp_path {here}/nginx-constant-bodies;
    default_type application/json;

    server {{
        listen 127.0.0.1:{port} reuseport;
        return 200 '{{"prediction":"setosa"}}';
    }}
}}
"""

if __name__ == "__main__":
    here = Path.cwd()
    path = here / "nginx-constant.conf"
    path.write_text(CONFIGURATION.format(here=here, port=sys.argv[1], workers=sys.argv[2]))
    os.execvp("nginx", ["nginx", "-c", str(path), "-e", "stderr"])  # noqa: S606
