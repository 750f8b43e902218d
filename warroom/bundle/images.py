"""Images that are not on this machine yet: pulled, all at the same time, with their progress told.

Invariant: nothing is pulled that is there, whatever its tag means elsewhere; what is built here is never pulled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from warroom.bundle.compose_file import Service
from warroom.bundle.engine import failure
from warroom.bundle.errors import StackError
from warroom.bundle.text import shortened

Tell = Callable[[str, str, str], None]
"""Called with a service, what happens to it in a word (pulling, starting, healthy ...), and a detail or nothing."""

_AT_ONCE = 3


def missing(client: Any, services: Iterable[Service]) -> tuple[Service, ...]:
    """The services whose image is to be pulled first."""
    return tuple(one for one in services if not one.built and not _is_there(client, one.image))


def pull(client: Any, services: Iterable[Service], tell: Tell) -> None:
    """Pull their images.

    Raises:
        StackError: one cannot be had; the sentence names the image.
    """
    with ThreadPoolExecutor(_AT_ONCE, "stack-pull") as pool:
        work = [pool.submit(_pull_one, client, one, tell) for one in services]
        try:
            for one in work:
                one.result()
        except BaseException:
            for one in work:
                one.cancel()
            raise


def _is_there(client: Any, image: str) -> bool:
    from docker.errors import ImageNotFound

    try:
        client.inspect_image(image)
    except ImageNotFound:
        return False
    return True


def _pull_one(client: Any, service: Service, tell: Tell) -> None:
    from docker.errors import APIError
    from docker.utils import parse_repository_tag
    from requests.exceptions import RequestException

    tell(service.name, "pulling", service.image)
    repository, tag = parse_repository_tag(service.image)
    layers: dict[str, tuple[int, int]] = {}
    try:
        for said in client.pull(repository, tag=tag or "latest", stream=True, decode=True):
            if said.get("error"):
                raise _unavailable(service.image, str(said["error"]))
            if _counted(said, layers):
                done, whole = (sum(column) for column in zip(*layers.values(), strict=True))
                tell(service.name, "pulling", f"{service.image} {done * 100 // whole} % of {whole // 1024**2} MiB")
    except APIError as error:
        raise _unavailable(service.image, error.explanation or str(error)) from None
    except RequestException as error:
        raise _unavailable(service.image, f"the engine does not get on: {type(error).__name__}") from None
    tell(service.name, "pulled", service.image)


def _counted(said: Mapping[str, Any], layers: dict[str, tuple[int, int]]) -> bool:
    """Take in one line of progress; whether there is anything to count by."""
    detail = said.get("progressDetail") or {}
    if said.get("status") == "Downloading" and detail.get("total"):
        layers[str(said.get("id"))] = (int(detail["current"]), int(detail["total"]))
        return True
    if said.get("status") in ("Download complete", "Pull complete") and said.get("id") in layers:
        whole = layers[str(said["id"])][1]
        layers[str(said["id"])] = (whole, whole)
        return True
    return False


def _unavailable(image: str, said: str) -> StackError:
    if failure(said).kind == "disk":
        return failure(said)
    words = (
        f"no registry gives the image {image} ({shortened(said, 160)}); "
        "check the network and the proxy, or `docker load` the image"
    )
    return StackError("no-registry", words)
