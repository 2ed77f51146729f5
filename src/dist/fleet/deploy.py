"""Installs rio on robots, logs them in, and keeps them logged in; README.md describes it. The robots need systemd, and
sftp or scp. Facts are read before the first change, so they show the robot as it was."""

import json
from pathlib import Path
from shlex import quote

from pyinfra import host, logger
from pyinfra.facts.server import Arch, Command
from pyinfra.operations import files, python, server, systemd

VERSION = "0.3.0"
TARGETS = {
    "x86_64": "x86_64-unknown-linux-musl",
    "aarch64": "aarch64-unknown-linux-musl",
    "armv7l": "armv7-unknown-linux-musleabihf",
    "armv8l": "armv7-unknown-linux-musleabihf",
    "armv6l": "arm-unknown-linux-musleabihf",
    "riscv64": "riscv64gc-unknown-linux-musl",
}
ARCHIVE = Path(__file__).absolute().parents[1]
COMMAND = host.data.get("rio_command") or "RIO_CONFIG=/var/lib/rio/config.json /usr/local/bin/rio"
AUTH = f"{COMMAND} auth"


def install():
    archives = Path(host.data.get("rio_archives") or ARCHIVE.parent)
    executable = archives / f"rio-{VERSION}-{TARGETS[host.get_fact(Arch)]}" / "rio"
    files.put(name="Install rio", src=str(executable), dest="/usr/local/bin/rio", mode="755")


def log_in():
    status = host.get_fact(Command, f"{AUTH} status --json --verify 2>/dev/null || true")
    status = json.loads(status or "{}")
    if status.get("logged_in") and status["verified"] is not False:
        return
    options = ""
    for option in ("organization", "project"):
        if value := host.data.get(f"rio_{option}"):
            options += f" --{option} {quote(value)}"
    if token_file := host.data.get("rio_token_file"):
        token = Path(token_file).read_text().splitlines()[0]
        login = f"{AUTH} login --silent{options} --auth-token -"
        server.shell(name="Log in with the token", commands=[login], _stdin=token)
        return
    # 3: the login is not approved yet.
    login = f"{AUTH} login --json{options}"
    code = server.shell(name="Get a code", commands=[f"{login} --timeout 0s || [ $? = 3 ]"])
    python.call(name="Approve this login", function=show, code=code)
    server.shell(name="Wait for the approval", commands=[f"{login} --timeout 10m"])


def show(code):
    for line in code.stdout_lines:
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "verification":
            url = event["verification_uri_complete"] or event["verification_uri"]
            logger.info(f"{host.name}: {url} code {event['user_code']}")


def refresh():
    units = [
        files.put(name=f"Install {name}", src=str(ARCHIVE / "systemd" / name), dest=f"/etc/systemd/system/{name}")
        for name in ("rio-refresh.service", "rio-refresh.timer")
    ]
    changed = any(unit.will_change for unit in units)
    systemd.service(name="Refresh with the timer", service="rio-refresh.timer", enabled=True, daemon_reload=changed)


install()
log_in()
refresh()
