"""Where a server listens and how this machine trusts it: what every composition root needs, and nothing to load.

Invariant: nothing of a server, a client or telemetry is imported here.
"""

from __future__ import annotations

import ssl

from warroom.settings.fields import ListenSettings


class CannotServe(Exception):
    """It cannot be served as the settings say; one sentence says why and what would be right."""


def server_tls(listen: ListenSettings) -> ssl.SSLContext | None:
    """The TLS to serve with, None for none.

    Raises:
        CannotServe: certificate and key do not fit, or cannot be read.
    """
    if listen.tls_cert is None and listen.tls_key is None:
        return None
    if listen.tls_cert is None or listen.tls_key is None:
        raise CannotServe("TLS needs both a certificate (listen.tls_cert) and its key (listen.tls_key)")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listen.tls_cert, listen.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise CannotServe(f"{listen.tls_cert} and {listen.tls_key} cannot be used for TLS: {error}") from None
    return context


def tls_to_ourselves(ca_file: str) -> ssl.SSLContext | None:
    """Trust exactly the certificate we serve with, by whatever name; for connections within this machine."""
    if not ca_file:
        return None
    context = ssl.create_default_context(cafile=ca_file)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def reachable_at(host: str, port: int, *, secure: bool) -> str:
    """How this machine reaches what listens on `host`."""
    near = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared, not bound)
    return f"{'wss' if secure else 'ws'}://{f'[{near}]' if ':' in near else near}:{port}/ws"
