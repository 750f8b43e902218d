"""Metrics of what the world is set to, rather than of what happens: flags, settings, versions of models, starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warroom.simulator.axes import Axes, Axis, Floats
from warroom.simulator.catalogue import numeric
from warroom.simulator.meters import Family
from warroom.simulator.seconds import Moment, Seconds

if TYPE_CHECKING:
    from warroom.simulator.world import World


class Facts:
    """What the families read of the world itself, looked up at each scrape."""

    def __init__(self, axes: Axes, world: World) -> None:
        self._axes, self._world = axes, world
        topology = axes.topology
        self._variants = [(flag.name, variant) for flag in topology.flags for variant in flag.variants]
        self._settings = [(one.service, one.key) for one in topology.settings if numeric(one.value) is not None]
        self.started: Floats = np.full((len(topology.services), axes.count), world.now)
        """(services, regions): when the processes were last started together."""

    def look(self, moment: Moment) -> None:
        """Put what the world is set to beside a second in which a scrape is due."""
        flags, settings = self._world.flags, self._world.settings
        moment.flags_on = np.array([float(flags.get(name) == variant) for name, variant in self._variants])
        moment.config_values = np.array([numeric(settings.get(key)) or 0.0 for key in self._settings])

    def families(self) -> tuple[Family, ...]:
        """All of them, in a fixed order."""
        axes, topology = self._axes, self._axes.topology
        names = self._labelled([(flag.service, {"flag": flag.name, "variant": variant})
                                for flag in topology.flags for variant in flag.variants])  # fmt: skip
        keys = self._labelled([(service, {"key": key}) for service, key in self._settings])
        versions = [(model.service, {"model": model.name, "version": version})
                    for model in topology.models for version in model.versions]  # fmt: skip
        own = np.array([number for model in topology.models for number in range(len(model.versions))], np.float64)
        model_of = np.array([at for at, model in enumerate(topology.models) for _ in model.versions], np.intp)

        def live(seconds: Seconds) -> Floats:
            found: Floats = (np.rint(seconds.model_version)[:, model_of] == own).astype(np.float64)
            return found

        return (
            Family("process_start_time_seconds", "gauge", axes.instances, lambda t: t.started,
                   "When the process started, seconds since the epoch.", "seconds"),
            Family("feature_flag_enabled", "gauge", names, lambda t: t.flags_on, "1 for the variant that is on."),
            Family("config_value", "gauge", keys, lambda t: t.config_values, "A setting that is a number."),
            Family("model_info", "gauge", self._labelled(versions), live, "1 for the version that answers."),
        )  # fmt: skip

    def _labelled(self, rows: list[tuple[str, dict[str, str]]]) -> Axis:
        where = self._axes.topology.service_index
        labels = tuple({**self._axes.service(where[service]), **more} for service, more in rows)
        return Axis(labels, np.arange(len(rows)), np.full(len(rows), -1, np.intp))
