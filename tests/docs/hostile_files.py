"""Hostile files and arguments, handed to the commands that read them: each with its exact exit status.

The commands run in this process through the same function as the program's entry; a traceback, or a refusal without a
sentence, is told as such. `CASES` are (door, name, what to write, arguments, status).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import orjson

from tests.server.house import house
from warroom.cli.main import main
from warroom.store.archive import export_lines

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
)
DEEP_TOML = "a = " + "[" * 5000 + "]" * 5000
DEEP_YAML = "[" * 2000 + "]" * 2000


@dataclass(frozen=True, slots=True)
class FileCase:
    """`args` hold `{file}` where the file stands; `data` None: it is not there."""

    door: str
    name: str
    data: bytes | Callable[[Path], bytes] | None
    args: tuple[str, ...]
    expected: str
    env: tuple[tuple[str, str], ...] = ()


CASES: list[FileCase] = []


def _add(door: str, args: tuple[str, ...], expected: str, **files: object) -> None:
    for name, data in files.items():
        content = data.encode() if isinstance(data, str) else data
        CASES.append(FileCase(door, name.replace("_", " "), content, args, expected))  # type: ignore[arg-type]


_BROKEN_TEXT = {
    "binary": b"\x7fELF\x02\x01\x01\x00\xff\xfe",
    "NUL_bytes": b"a\x00b",
    "bytes_that_are_not_UTF-8": b"a = '\xff\xfe'",
    "an_unfinished_text": 'a = "b',
}

_add("settings file", ("--config", "{file}", "config"), "exit 2", **_BROKEN_TEXT, missing=None,
     nested_5000_deep=DEEP_TOML, larger_than_256_KiB="#" * 300_000, an_unknown_setting="lissten = 1",
     an_unknown_table="[listten]\nport = 1", a_port_that_is_text='[listen]\nport = "x"',
     a_port_that_is_a_list="[listen]\nport = [1]", a_table_that_is_a_number="listen = 3",
     a_timeout_of_infinity="timeout = inf", a_timeout_that_is_no_number="timeout = nan",
     an_unknown_level='log_level = "loud"', a_switch_that_is_a_number="utc = 1",
     the_same_key_twice="utc = true\nutc = false", an_escape_sequence='name = "\x1b[31m"')  # fmt: skip
_add("keymap file", ("keys", "{file}", "--check"), "exit 2", **_BROKEN_TEXT, missing=None,
     nested_5000_deep=DEEP_TOML, an_unknown_action='[keymap]\n"entry.fly" = "f"',
     a_key_that_is_a_number='[keymap]\n"entry.add-note" = 5', a_keymap_that_is_a_list="keymap = [1]",
     one_key_for_two_actions='[keymap]\n"entry.add-note" = "f7"\n"incident.severity" = "f7"')  # fmt: skip
_add("playbook file", ("playbook", "lint", "{file}"), "exit 1", **_BROKEN_TEXT, missing=None, empty=b"",
     an_alias_bomb=BOMB, nested_2000_deep=DEEP_YAML, a_tag="!!python/object/apply:os.system ['id']",
     a_list="- a\n- b", a_number="42", an_anchor="a: &x 1", duplicate_keys="id: a\nid: b",
     larger_than_256_KiB="# " + "x" * 300_000, no_steps="id: a\ntitle: A\nversion: 1", an_unknown_key="id: a\nsudo: 1",
     steps_that_are_text="id: a\ntitle: A\nversion: 1\nsteps: rm -rf", tabs_for_indentation="id: a\n\ttitle: b",
     a_billion_as_version="id: a\ntitle: A\nversion: 99999999999999999999\nsteps: []",
     a_path_as_id="id: ../../etc/passwd\ntitle: A\nversion: 1\nsteps: []")  # fmt: skip
_RULE = "version: 2\nrules:\n  - name: r\n    match: ['{match}']\n    ignore: x\n"
_SERVE_RULES = ("--config", "{config}", "serve", "--port", "0", "--intake-port", "0")
_add("rule file", _SERVE_RULES, "exit 2", **_BROKEN_TEXT, missing=None, empty=b"", an_alias_bomb=BOMB,
     nested_2000_deep=DEEP_YAML, a_tag="!!python/object/apply:os.system ['id']", a_list="- a",
     a_pattern_that_runs_away=_RULE.format(match='a=~"(a+)+$"'), a_back_reference=_RULE.format(match='a=~"(a)\\1"'),
     a_pattern_that_is_none=_RULE.format(match='a=~"["'), no_pattern=_RULE.format(match="a"),
     an_unknown_key="version: 2\nrules: []\nsudo: true", rules_that_are_text="version: 2\nrules: all",
     a_severity_that_is_none="version: 2\nseverities: {critical: SEV9}\nrules: []",
     larger_than_256_KiB="# " + "x" * 300_000)  # fmt: skip
_SERVE_PANELS = ("--config", "{config}", "serve", "--port", "0", "--no-intake")
_add("panel file", _SERVE_PANELS, "exit 2", **_BROKEN_TEXT, missing=None, an_alias_bomb=BOMB,
     a_tag="!!python/object/apply:os.system ['id']", nested_2000_deep=DEEP_YAML,
     a_list="- a", panels_that_are_text="panels: all", a_panel_without_query="panels: [{title: a}]",
     a_step_of_zero="panels: [{title: a, expr: up, step: 0}]",
     a_window_of_words="panels: [{title: a, expr: up, window: long}]",
     a_threshold_that_is_text="panels: [{title: a, expr: up, thresholds: [{value: x}]}]",
     larger_than_a_megabyte="# " + "x" * 1_100_000)  # fmt: skip


def _args(door: str, expected: str, *cases: tuple[str, tuple[str, ...]]) -> None:
    for name, args in cases:
        CASES.append(FileCase(door, name, b"", args, expected))


_args(
    "arguments",
    "exit 2",
    ("an unknown command", ("explode",)),
    ("an unknown option", ("list", "--explode")),
    ("an unknown option before the command", ("--explode", "list")),
    ("an option without its value", ("invite", "--ttl")),
    ("a timeout of 0", ("--timeout", "0", "list")),
    ("a timeout that is no number", ("--timeout", "nan", "list")),
    ("a timeout for ever", ("--timeout", "inf", "list")),
    ("a port of 65,536", ("serve", "--port", "65536")),
    ("a port below 0", ("serve", "--port", "-1")),
    ("no title", ("declare",)),
    ("a severity that is none", ("declare", "x", "--severity", "SEV9")),
    ("a time that is none", ("note", "INC-7K3Q", "x", "--at", "soonish")),
    ("a role that is none", ("invite", "--role", "root")),
    ("a lifetime that is none", ("invite", "--ttl", "forever")),
    ("an address with a password", ("--server", "ws://a:b@host/", "list")),
    ("an address with a query", ("--server", "host?token=x", "list")),
    ("an address of another kind", ("--server", "file:///etc/passwd", "list")),
    ("a port of letters", ("--server", "host:abc", "list")),
    ("an escape sequence as address", ("--server", "\x1b[31mhost", "list")),
    ("an invitation without a code", ("join", "host:8765")),
    ("an invitation with half a code", ("join", "host#7K3Q")),
    ("an invitation of 100,000 letters", ("join", "h" * 100000)),
    ("a backup of nothing", ("backup",)),
    ("a restore of what is not there", ("restore", "/nonexistent/backup.db", "--yes")),
    ("an import of what is not there", ("import", "/nonexistent/x.jsonl")),
    ("an import of a directory", ("import", "/etc")),
    ("half a certificate", ("serve", "--port", "0", "--tls-cert", "/etc/hostname")),
    (
        "a certificate that is none",
        ("serve", "--port", "0", "--tls-cert", "/etc/hostname", "--tls-key", "/etc/hostname"),
    ),
    ("all addresses without TLS", ("serve", "--port", "0", "--host", "0.0.0.0")),
    ("an address that is not ours", ("serve", "--port", "0", "--host", "192.0.2.1", "--insecure-i-know")),
    ("a data directory that is a file", ("serve", "--port", "0", "--data-dir", "/etc/hostname")),
)
_args(
    "arguments", "exit 3", ("a note without a server", ("note", "INC-7K3Q", "x")),
)  # fmt: skip
_TOKEN = (("WARROOM_TOKEN", "wr_" + "A" * 43),)
_AWAY = ("--server", "127.0.0.1:1", "--timeout", "1", "list")
CASES.append(FileCase("arguments", "a server that refuses connections", b"", _AWAY, "exit 3", _TOKEN))
for _name, _env in {
    "a port of letters in the environment": ("WARROOM_LISTEN__PORT", "abc"),
    "an unknown setting in the environment": ("WARROOM_LISTTEN__PORT", "1"),
    "a switch of neither yes nor no": ("WARROOM_UTC", "perhaps"),
    "a level that is none in the environment": ("WARROOM_LOG_LEVEL", "loud"),
}.items():
    CASES.append(FileCase("environment", _name, b"", ("config",), "exit 2", (_env,)))


# -- archives and backups: made from a real log, then spoiled ----------------------------------------------------------


def _lines(of: Path) -> list[bytes]:
    return (of / "good.jsonl").read_bytes().splitlines(keepends=True)


def _changed(line: int, old: bytes, new: bytes) -> Callable[[Path], bytes]:
    def spoil(of: Path) -> bytes:
        lines = _lines(of)
        assert old in lines[line], lines[line]
        lines[line] = lines[line].replace(old, new, 1)
        return b"".join(lines)

    return spoil


_ARCHIVES: dict[str, tuple[str, str, bytes | Callable[[Path], bytes]]] = {
    "empty": ("exit 1", "exit 1", b""),
    "binary": ("exit 1", "exit 1", os.urandom(10_000)),
    "no JSON": ("exit 1", "exit 1", b"hello\n"),
    "another format": ("exit 1", "exit 1", b'{"format":"tar"}\n'),
    "nested 100,000 deep": ("exit 1", "exit 1", b"[" * 100_000 + b"\n"),
    "a newer version": ("exit 1", "exit 1", _changed(0, b'"version":1', b'"version":9')),
    "a path for an incident": ("exit 1", "exit 1", _changed(0, b'"incident":"INC-', b'"incident":"../INC-')),
    "a record that is no object": ("exit 1", "exit 1", lambda of: _lines(of)[0] + b"[]\n"),
    "a record without its hash": ("exit 1", "exit 1", _changed(2, b'"hash"', b'"hush"')),
    "its end cut off": ("exit 1", "exit 5", lambda of: b"".join(_lines(of)[:-1])),
    "cut in the middle of a line": ("exit 1", "exit 1", lambda of: b"".join(_lines(of))[:-40]),
    "a changed word": ("exit 1", "exit 5", _changed(2, b"note 0", b"note X")),
    "a changed name": ("exit 1", "exit 5", _changed(2, b'"actor":"jana"', b'"actor":"sam"')),
    "a changed time": ("exit 1", "exit 5", _changed(2, b'"at":"20', b'"at":"19')),
    "two records swapped": ("exit 1", "exit 5", lambda of: b"".join([*_lines(of)[:2], _lines(of)[3], _lines(of)[2]])),
    "a record twice": ("exit 1", "exit 5", lambda of: b"".join([*_lines(of)[:3], _lines(of)[2]])),
}
for _name, (_import, _verify, _data) in _ARCHIVES.items():
    CASES.append(FileCase("archive", f"import: {_name}", _data, ("import", "{file}"), _import))
    CASES.append(FileCase("archive", f"verify: {_name}", _data, ("verify", "{file}"), _verify))


def _flipped(of: Path) -> bytes:
    data = bytearray((of / "good.backup").read_bytes())
    data[data.index(b"note 0")] ^= 0x20
    return bytes(data)


_BACKUPS: dict[str, tuple[str, bytes | Callable[[Path], bytes], bytes | str | None]] = {
    "without its manifest": ("exit 1", lambda of: (of / "good.backup").read_bytes(), None),
    "a manifest that is no JSON": ("exit 5", lambda of: (of / "good.backup").read_bytes(), b"hello"),
    "another's manifest": ("exit 5", lambda of: (of / "good.backup").read_bytes(), b'{"format":"tar"}'),
    "a flipped byte": ("exit 5", _flipped, "good"),
    "a flipped byte, and a checksum to fit": ("exit 5", _flipped, "fitting"),
    "empty": ("exit 5", b"", "good"),
    "another program's database": ("exit 5", b"SQLite format 3\0" + b"\0" * 4080, "fitting"),
    "cut in half": ("exit 5", lambda of: (of / "good.backup").read_bytes()[: 1 << 14], "fitting"),
}
_MANIFESTS: dict[str, bytes | str | None] = {name: manifest for name, (_, _, manifest) in _BACKUPS.items()}
for _name, (_status, _content, _) in _BACKUPS.items():
    CASES.append(FileCase("backup", f"restore: {_name}", _content, ("restore", "{file}", "--yes"), _status))


# -- running -----------------------------------------------------------------------------------------------------------


class Homes:
    """A home with a log of one incident, and an archive and a backup of it in `base`."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.data = base / "home/.local/share/warroom"

    async def prepare(self) -> None:
        async with house(self.data) as home:
            raw = await home.raw(await home.token("jana"))
            incident = await raw.declare()
            for n in range(2, 4):
                await raw.command(n, incident, type="add-note", text=f"note {n - 2}")
                await raw.until("outcome", n=n)
            await home.server.signer.sign_all(home.server.lobby.heads())
            lines = [line async for line in export_lines(home.store, incident, home.server.signer.public_key)]
            (self.base / "good.jsonl").write_bytes(b"".join(lines))
            await home.store.backup(str(self.base / "good.backup"))
            await raw.close()

    def environment(self) -> dict[str, str]:
        (self.base / "run").mkdir(mode=0o700, exist_ok=True)
        return {
            "PATH": os.environ["PATH"], "HOME": str(self.base / "home"), "XDG_RUNTIME_DIR": str(self.base / "run"),
            "USER": "jana", "LOGNAME": "jana", "WARROOM_INTAKE__PORT": "0", "WARROOM_PROMETHEUS__URL": "",
        }  # fmt: skip


def run(case: FileCase, homes: Homes) -> str:
    """What the command said to the file: `exit N`, and what is wrong with that."""
    file = homes.base / "hostile-input"
    for old in homes.base.glob("hostile-input*"):
        old.unlink()
    if case.data is not None:
        file.write_bytes(case.data if isinstance(case.data, bytes) else case.data(homes.base))
    manifest = _MANIFESTS.get(case.name.removeprefix("restore: ")) if case.door == "backup" else None
    if manifest is not None:
        _write_manifest(homes.base, file, manifest)
    key = "intake.rules" if case.door == "rule file" else "prometheus.panels"
    table, _, name = key.partition(".")
    config = homes.base / "config.toml"
    config.write_text(f'[{table}]\n{name} = "{file}"\n')
    args = [part.format(file=file, config=config) if "{" in part else part for part in case.args]
    with _environment({**homes.environment(), **dict(case.env)}):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(args)
    said = err.getvalue()
    if "Traceback" in said or "fault of warroom" in said:
        return f"exit {status}, with a fault: {said[:300]}"
    return f"exit {int(status)}" if said.strip() else f"exit {int(status)}, without a word"


def _write_manifest(base: Path, file: Path, manifest: bytes | str) -> None:
    body = (base / "good.backup.manifest.json").read_bytes() if isinstance(manifest, str) else manifest
    if manifest == "fitting":
        told = orjson.loads(body)
        data = file.read_bytes()
        body = orjson.dumps({**told, "sha256": hashlib.sha256(data).hexdigest(), "size": len(data)})
    file.with_name(file.name + ".manifest.json").write_bytes(body)


@contextlib.contextmanager
def _environment(env: dict[str, str]) -> Iterator[None]:
    log = logging.getLogger("warroom")
    before = log.handlers, log.level, log.propagate
    with mock.patch.dict(os.environ, env, clear=True):
        try:
            yield
        finally:
            # `serve` takes the log of the process for its own.
            log.handlers, log.propagate = before[0], before[2]
            log.setLevel(before[1])


def rows(base: Path) -> list[tuple[str, str, str, str]]:
    """(door, name, expected, got) of every case."""
    homes = Homes(base)
    asyncio.run(homes.prepare())
    return [(one.door, one.name, one.expected, run(one, homes)) for one in CASES]
