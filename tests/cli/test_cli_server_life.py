"""The local server by real processes: started, found, raced for, killed, ended; and what happens while it is away."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

from tests.cli.cli_home import CliHome, alive, until


def test_a_thin_slice_by_real_commands(home: CliHome) -> None:
    declared = home.run("declare", "db is slow", "--severity", "SEV2")
    assert declared.returncode == 0, declared.stderr
    incident = declared.stdout.strip()
    assert incident.startswith("INC-")
    assert home.run("note", "looking at it").returncode == 0
    first = home.kill()
    assert home.run("note", "lost?").returncode == 3
    assert home.run("list").returncode == 3
    declared_again = home.run("declare", "another")
    assert declared_again.returncode == 0, declared_again.stderr
    assert home.runtime()["pid"] != first
    lines = [json.loads(line) for line in home.ok("log", incident, "--json").splitlines()]
    assert [line["tag"] for line in lines] == ["incident-declared", "note-added"]
    assert home.json("verify")["ok"] is True
    stopped = home.run("stop")
    assert stopped.returncode == 0
    assert not home.runtime_file.exists()
    assert home.run("stop").returncode == 0
    assert home.json("verify", incident)["incidents"][0]["records"] == 2, "without a server, by the file itself"


def test_what_is_private_is_private(home: CliHome) -> None:
    home.ok("declare", "x")
    assert stat.S_IMODE(home.runtime_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700
    for name in ("log.db", "owner.token", "intake.token", "intake.secret", "heads.key"):
        assert stat.S_IMODE((home.data / name).stat().st_mode) == 0o600, name
    token = home.runtime()["token"]
    assert token not in (home.state / "server.log").read_text()
    home.runtime_file.chmod(0o644)
    assert home.run("list").returncode == 3, "a file that others may have written is not believed"
    home.runtime_file.chmod(0o600)


def test_two_starters_at_once_share_one_server(home: CliHome) -> None:
    both = [home.popen("declare", f"starter {number}") for number in (1, 2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert {line["title"] for line in home.json("list")["incidents"]} == {"starter 1", "starter 2"}
    pid = home.runtime()["pid"]
    found = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and str(home.base).encode() in _environment(path) and b"serve" in _command(path)
    ]
    assert [one for one in found if alive(one)] == [pid]


def _environment(path: Path) -> bytes:
    try:
        return (path / "environ").read_bytes()
    except OSError:
        return b""


def _command(path: Path) -> bytes:
    try:
        return (path / "cmdline").read_bytes()
    except OSError:
        return b""


def test_another_process_with_the_old_pid_is_left_alone(home: CliHome) -> None:
    home.ok("declare", "x")
    kept = home.runtime()
    home.kill()
    stranger = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        home.runtime_file.write_text(json.dumps(kept | {"pid": stranger.pid}))
        assert home.run("list").returncode == 3
        assert "no server runs" in home.run("stop").stderr
        assert stranger.poll() is None
        home.ok("declare", "a new server is started")
    finally:
        stranger.communicate()


def test_a_server_that_cannot_start_says_why(home: CliHome) -> None:
    (home.data).mkdir(parents=True)
    (home.data / "log.db").write_bytes(b"this is no log" * 1000)
    done = home.run("declare", "x")
    assert done.returncode == 3
    assert "the server did not start" in done.stderr
    assert "log.db" in done.stderr
    assert home.run("serve").returncode in (1, 5)


def test_serve_in_the_foreground_ends_on_ctrl_c(home: CliHome) -> None:
    process = home.popen("serve")
    until(home.runtime_file.exists)
    assert home.run("serve").returncode == 1, "one log, one server"
    assert home.run("list").returncode == 0
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "serving ws://127.0.0.1:" in err
    assert "intake" in err
    assert not home.runtime_file.exists()


def test_serve_without_intake_opens_no_door(home: CliHome) -> None:
    process = home.popen("serve", "--no-intake")
    until(home.runtime_file.exists)
    assert home.runtime()["intake_url"] == ""
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_serve_refuses_what_would_not_be_safe(home: CliHome) -> None:
    beyond = home.run("serve", "--host", "0.0.0.0")
    assert beyond.returncode == 2
    assert "--insecure-i-know" in beyond.stderr
    half = home.run("serve", "--tls-cert", "/nowhere.pem")
    assert half.returncode == 2
    assert "tls_key" in half.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        used = home.run("serve", "--port", str(taken.getsockname()[1]))
    assert used.returncode == 2
    assert "in use" in used.stderr


def test_a_taken_port_does_not_keep_a_room_closed(home: CliHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        home.env["WARROOM_LISTEN__PORT"] = str(taken.getsockname()[1])
        home.ok("declare", "x")
        assert str(taken.getsockname()[1]) not in home.runtime()["url"]
    assert "is in use; listening on" in (home.state / "server.log").read_text()


def test_what_is_kept_is_sent_once_and_in_order(home: CliHome) -> None:
    incident = home.ok("declare", "x").strip()
    home.ok("note", "before")
    home.kill()
    refused = home.run("note", incident, "not kept")
    assert refused.returncode == 3
    for words in ("first", "second"):
        kept = home.run("note", incident, words, "--later", "--json")
        assert kept.returncode == 0, kept.stderr
        assert json.loads(kept.stdout)["kept"] is True
    assert home.run("note", incident, " ", "--later").returncode == 2, "what can never be sent is not kept"
    unsent = [one for one in json.loads(home.run("doctor", "--json").stdout)["checks"] if one["name"] == "outbox"]
    assert unsent[0]["state"] == "warn"
    port = home.runtime()["url"].rsplit(":", 1)[1].removesuffix("/ws")
    home.env["WARROOM_LISTEN__PORT"] = port
    home.ok("declare", "starts the server again")
    sent = home.run("note", incident, "third")
    assert sent.returncode == 0, sent.stderr
    home.ok("note", incident, "fourth")
    events = [json.loads(line)["event"] for line in home.ok("log", incident, "--json").splitlines()]
    assert [event["text"] for event in events[1:]] == ["before", "first", "second", "third", "fourth"]


def test_join_by_an_invite_and_leave(home: CliHome, tmp_path: Path) -> None:
    home.ok("declare", "shared")
    invitation = home.ok("invite", "--name", "petr", "--role", "observer").strip()
    (tmp_path / "guest").mkdir()
    guest = CliHome(tmp_path / "guest")
    joined = guest.run("join", invitation, "--no-console")
    assert joined.returncode == 0, joined.stderr
    assert "petr" in joined.stderr
    assert [one["title"] for one in guest.json("list")["incidents"]] == ["shared"]
    refused = guest.run("note", "I may not")
    assert refused.returncode == 1
    assert guest.run("join", invitation, "--no-console").returncode == 1, "a code works once"
    assert guest.run("join", "127.0.0.1:1#no code").returncode == 2
    tokens = home.json("token", "list")["tokens"]
    theirs = next(one["id"] for one in tokens if one["name"] == "petr" and not one["invite"])
    home.ok("token", "revoke", theirs)
    assert guest.run("list").returncode == 1
    assert guest.run("leave", "--forget-token").returncode == 0
    assert guest.run("list").returncode == 3


def test_backup_and_restore(home: CliHome) -> None:
    incident = home.ok("declare", "kept").strip()
    copy = home.base / "copy.db"
    home.ok("backup", str(copy))
    home.ok("note", "after the backup")
    assert home.run("restore", str(copy), "--yes").returncode == 1, "a server runs"
    home.ok("stop")
    restored = home.json("restore", str(copy), "--yes")
    assert restored["incidents"] == [incident]
    assert home.json("verify")["incidents"][0]["records"] == 1
    os.truncate(copy, copy.stat().st_size - 4096)
    assert home.run("restore", str(copy), "--yes").returncode == 5


def test_export_proves_itself_and_comes_in_elsewhere(home: CliHome, tmp_path: Path) -> None:
    incident = home.ok("declare", "moves").strip()
    home.ok("note", "with words")
    file = home.base / "one.jsonl"
    home.ok("export", incident, "-o", str(file))
    assert home.run("export", incident, "-o", str(file)).returncode == 1, "not replaced unasked"
    assert home.json("verify", str(file))["incidents"][0]["records"] == 2
    (tmp_path / "other").mkdir()
    other = CliHome(tmp_path / "other")
    try:
        other.ok("declare", "already there")
        assert other.json("import", str(file)) == {
            "schema": "warroom.imported/1", "incident": incident, "seq": 2, "added": 2
        }  # fmt: skip
        assert other.json("import", str(file))["added"] == 0
    finally:
        other.close()
    file.write_text(file.read_text().replace("with words", "with other"))
    forged = home.run("verify", str(file))
    assert forged.returncode == 5
    assert "record 2" in forged.stdout


def test_following_prints_a_line_for_each_event(home: CliHome) -> None:
    home.ok("declare", "watched")
    follower = home.popen("follow", "--plain", bufsize=1)
    assert follower.stdout is not None
    assert "watched" in follower.stdout.readline()
    home.ok("note", "seen by all")
    assert "jana: seen by all" in follower.stdout.readline()
    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=20)
    assert follower.returncode == 130


def test_an_unreachable_server_is_no_hang(home: CliHome) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        home.env["WARROOM_TOKEN"] = "wr_" + "x" * 43
        done = home.run("--server", address, "--timeout", "0.5", "list")
    assert done.returncode == 3
    assert address in done.stderr
    assert "xxx" not in done.stderr + done.stdout
    nothing = subprocess.run(
        home.command("--server", address, "list"), env=home.env, capture_output=True, text=True, timeout=30
    )
    assert nothing.returncode == 3
    assert "refused" in nothing.stderr
