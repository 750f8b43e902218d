"""What one invocation knows: its flags, the settings, which server is meant, which incident.

Invariant: nothing is read, opened or asked before a command needs it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from warroom.cli import cached
from warroom.cli.exits import Exit, Stop

if TYPE_CHECKING:
    import ssl

    from warroom.cli.direct import Line
    from warroom.client.connect import Grant, Home
    from warroom.settings.load import Loaded
    from warroom.settings.places import Places
    from warroom.tracing.spans import Tracer

NO_SERVER = "no server runs on this machine; `warroom serve` starts one, `warroom join HOST#CODE` uses another's"


@dataclass(frozen=True, slots=True)
class Server:
    """The server that is meant. A name is known where a token was kept with one."""

    url: str
    token: str = field(repr=False)
    name: str = ""
    is_local: bool = False
    ca_file: str = ""
    """The certificate of the local server, to be trusted by whatever name it is reached."""


class Context:
    """One for each invocation; `flags` are dotted setting keys given as options."""

    def __init__(self, config: Path | None, flags: Mapping[str, Any]) -> None:
        self._config = config
        self.flags = dict(flags)
        self.later = False

    @cached_property
    def places(self) -> Places:
        from warroom.settings.places import places

        return places()

    @cached_property
    def loaded(self) -> Loaded:
        """The settings, with their origins.

        Raises:
            Stop: they are wrong.
        """
        from warroom.settings.load import SettingsError, load

        try:
            return load(self._config, self.flags)
        except SettingsError as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None

    @property
    def config(self) -> Path | None:
        return self._config

    @cached_property
    def zone(self) -> tzinfo:
        """Where times are told: the local zone, or UTC when asked for."""
        if self.loaded.settings.utc:
            return UTC
        return datetime.now().astimezone().tzinfo or UTC

    @cached_property
    def me(self) -> str:
        """What the person is called: the settings' name, else the login name."""
        return self.loaded.settings.name or login_name()

    @property
    def timeout(self) -> float:
        return self.loaded.settings.timeout

    @property
    def incidents_file(self) -> Path:
        return self.places.state / "incidents.json"

    @cached_property
    def server(self) -> Server:
        """The server that is meant: the one named, else the local one, else the one joined last.

        Raises:
            Stop: there is none.
        """
        named = self.loaded.settings.server
        if named:
            return self._granted(named)
        from warroom.cli.local import find

        local = find(self.places)
        if local is not None:
            return Server(local.url, local.token, is_local=True, ca_file=local.ca_file)
        joined = self.joined()
        if joined:
            return self._granted(joined)
        raise Stop(Exit.UNREACHABLE, NO_SERVER)

    def joined(self) -> str:
        """The address of the server joined last, or empty."""
        try:
            return (self.places.state / "joined").read_text("utf-8").strip()
        except OSError:
            return ""

    def _granted(self, address: str) -> Server:
        from warroom.client.errors import BadAddress

        try:
            home = self.home(address)
        except BadAddress as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None
        token = self.loaded.settings.token
        if token:
            return Server(home.url, token)
        grant = home.grant()
        if grant is None:
            words = f"no token is kept for {home.url}; ask for an invite and use `warroom join HOST:PORT#CODE`"
            raise Stop(Exit.REFUSED, words)
        return Server(home.url, grant.token, grant.name)

    def home(self, url: str) -> Home:
        """What this machine keeps for that server, for whoever the settings name.

        Raises:
            BadAddress: it is no address.
        """
        from warroom.client.connect import Home

        return Home(url, self.places.state / "servers", self.loaded.settings.name)

    def use(self, url: str, grant: Grant) -> None:
        """Mean this server from now on, by this token, whatever else is kept or runs here."""
        self.server = Server(url, grant.token, grant.name)

    @property
    def tls(self) -> ssl.SSLContext | None:
        """What to trust for the server that is meant, where it is more than the system's authorities."""
        if not self.server.ca_file:
            return self.trust
        import ssl

        from warroom.client.connect import tls_context

        # The local server's own certificate, under whatever name this machine reaches it.
        context = tls_context(Path(self.server.ca_file))
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context

    @property
    def trust(self) -> ssl.SSLContext | None:
        """The authorities that the settings name."""
        ca_file = self.loaded.settings.ca_file
        if ca_file is None:
            return None
        from warroom.client.connect import tls_context
        from warroom.client.errors import BadAddress

        try:
            return tls_context(ca_file)
        except BadAddress as wrong:
            raise Stop(Exit.USAGE, str(wrong)) from None

    def remember_joined(self, url: str) -> None:
        """Use that server from now on, while none is named and none runs here; empty for none."""
        from warroom.client.connect import write_whole

        path = self.places.state / "joined"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if url:
                write_whole(path, f"{url}\n".encode())
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise Stop(Exit.REFUSED, f"{path} cannot be written: {error.strerror}") from None

    def tracer(self, service: str) -> Tracer | None:
        """What tells of this process's own work, closed when the command ends; None unless the settings want it.

        Raises:
            Stop: the collector's address cannot work.
        """
        settings = self.loaded.settings
        if not settings.telemetry.otlp:
            return None
        from warroom.tracing.exporter import BadCollector
        from warroom.tracing.opening import open_exporter
        from warroom.tracing.spans import Tracer

        try:
            exporter = open_exporter(settings.telemetry.otlp, settings.environment)
        except BadCollector as wrong:
            raise Stop(Exit.USAGE, f"telemetry.otlp {wrong}") from None
        if exporter is None:
            return None
        click.get_current_context().call_on_close(lambda: exporter.close(0.5))
        return Tracer(service, exporter)

    @cached_property
    def line(self) -> Line:
        """A conversation with the server; closed when the command ends."""
        from warroom.cli.direct import Line

        tracer = self.tracer("warroom-cli")
        line = Line(self.server.url, self.server.token, timeout=self.timeout, tls=self.tls, tracer=tracer)
        click.get_current_context().call_on_close(lambda: line.__exit__())
        return line

    def lobby(self) -> list[dict[str, Any]]:
        """The incidents, kept for completion as well."""
        lines = self.line.lobby()
        cached.keep(self.incidents_file, lines)
        return lines

    def incident(self, text: str) -> str:
        """The incident that is meant by an id, its unique beginning, or `-` for the one live incident.

        Raises:
            Stop: none or several are meant.
        """
        if text != "-":
            from warroom.incident.ids import parse_incident_id

            try:
                return parse_incident_id(text)
            except ValueError:
                pass
        try:
            lines = self.lobby()
        except Stop as stop:
            lines = cached.recall(self.incidents_file) if stop.status is Exit.UNREACHABLE and self.later else []
            if not lines:
                raise
        return the_one(text, lines)


def the_one(text: str, lines: list[dict[str, Any]]) -> str:
    """The one incident of the list that `text` means.

    Raises:
        Stop: none or several.
    """
    if text == "-":
        found = [line for line in lines if cached.is_live(line)]
        found = found or [line for line in lines if line.get("status") == "resolved"] or lines[:2]
        none, several = "no incident is open; name one", "several incidents are open; name one of"
    else:
        start = "INC-" + re.sub(r"^inc[\s-]*", "", text.strip(), flags=re.IGNORECASE).upper()
        start = start[:4] + start[4:].translate(str.maketrans("ILO", "110"))
        found = [line for line in lines if line["incident"].startswith(start)]
        none, several = f"no incident begins with {start}", f"several incidents begin with {start}:"
    if len(found) == 1:
        return str(found[0]["incident"])
    if not found:
        raise Stop(Exit.REFUSED, none)
    names = ", ".join(f"{line['incident']} ({line['title']})" for line in found[:8])
    raise Stop(Exit.USAGE, f"{several} {names}")


def login_name() -> str:
    """The login name, as the system knows it."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def context() -> Context:
    """The invocation's context."""
    found = click.get_current_context().find_object(Context)
    if found is None:
        raise LookupError("no command is running")
    return found
