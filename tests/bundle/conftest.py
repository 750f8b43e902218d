"""A real engine with the stack's images for a test, and a home to run `warroom stack` from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.engine import FOLDER, Engine, an_engine, one_at_a_time, sweep, why_none
from tests.bundle.stand_ins import import_images
from tests.cli.cli_home import CliHome
from warroom.bundle.compose_file import Bundle, read_bundle, shipped_file
from warroom.bundle.life import Stack
from warroom.bundle.look import containers
from warroom.bundle.ports import holders
from warroom.bundle.reading import newest
from warroom.cli.schemas import SCHEMAS


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    return read_bundle(shipped_file(), {})


@pytest.fixture(scope="session")
def engine_folder() -> Iterator[Path]:
    """Where the engine keeps its images from test to test; another worker's test may have to import them again."""
    with one_at_a_time():
        sweep()
    yield FOLDER
    with one_at_a_time():
        sweep()


@pytest.fixture
def engine(request: pytest.FixtureRequest, bundle: Bundle) -> Iterator[Engine]:
    """An engine for this test alone."""
    reason = why_none()
    if reason:
        pytest.skip(reason)
    folder = request.getfixturevalue("engine_folder")
    with one_at_a_time(), an_engine(folder) as made:
        held = holders(port for one in bundle.services for port in one.ports)
        assert not held, f"the stack's ports are held by something else: {held}"
        with made.client() as client:
            import_images(client, bundle)
        yield made


class StackHome:
    """Runs `warroom stack` as a person would, with that engine."""

    def __init__(self, home: CliHome, engine: Engine) -> None:
        self.home = home
        self.engine = engine

    @property
    def secrets(self) -> Path:
        return self.home.state / "stack"

    def run(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        done = self.home.run("stack", *words, timeout=240, env=self.engine.env | (env or {}))
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def ok(self, *words: str) -> subprocess.CompletedProcess[str]:
        done = self.run(*words)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done

    def status(self) -> dict[str, dict[str, Any]]:
        """Each service as `status --json` tells it."""
        said = json.loads(self.run("status", "--json").stdout)
        assert said["schema"] == "warroom.stack/1"
        assert set(said) == {"schema", *SCHEMAS["stack"][1]}
        return {one["name"]: one for one in said["services"]}

    def inspect(self, service: str) -> dict[str, Any]:
        with self.engine.client() as client:
            found: dict[str, Any] = client.inspect_container(newest(containers(client, "warroom"))[service]["Id"])
            return found

    def stack(self, bundle: Bundle) -> Stack:
        return Stack(bundle, self.secrets, self.home.env | self.engine.env)


@pytest.fixture
def stack(engine: Engine, tmp_path: Path) -> Iterator[StackHome]:
    home = CliHome(tmp_path)
    yield StackHome(home, engine)
    home.close()
