"""The figures of all workers as Prometheus reads them.

The only module that knows prometheus-client, which is imported at the first scrape: whoever is
never scraped does not pay for it.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iris_deploy.bundle.manifest import Manifest
from iris_deploy.facts import METRICS_PATH
from iris_deploy.schema.bins import build_bins
from iris_deploy.schema.drift import ENOUGH_ROWS, drift_threshold, stability_index
from iris_deploy.schema.outputs import NumberOutput
from iris_deploy.serving.reply import Reply
from iris_deploy.serving.route import Operation, Route
from iris_deploy.serving.schemas import refusals
from iris_deploy.serving.telemetry import metrics as m
from iris_deploy.serving.telemetry import predictions
from iris_deploy.serving.telemetry.metrics import BUCKETS
from iris_deploy.serving.telemetry.slots import (
    PREFIX,
    Key,
    SharedMemory,
    read_histogram,
    total,
)

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")

FAMILIES = {
    m.REQUESTS: ("counter", "Requests that were answered", ("contract", "route", "status")),
    predictions.PREDICTIONS: ("counter", "Predictions by class", ("class",)),
    predictions.OUT_OF_RANGE: (
        "counter",
        "Values outside the training range, and categories that it did not have",
        ("column",),
    ),
    m.RESTARTS: ("counter", "Workers that died and were replaced", ()),
    m.RELOADS: ("counter", "Attempts to swap in a new bundle", ("result",)),
    m.WORKERS: ("gauge", "Workers that are meant to run", ()),
    m.CONNECTIONS: ("gauge", "Open connections, looked at once a second", ()),
    m.EVICTED: ("counter", "Connections that were closed to make room for others", ()),
    m.IN_FLIGHT: ("gauge", "Large requests that a thread works on", ()),
    m.QUEUED: ("gauge", "Large requests that wait for a thread", ()),
}
"""Plain families: kind, help, labels."""


class Exposition:
    """Answer ``GET /metrics``.

    Parameters
    ----------
    memory : SharedMemory
    manifest : callable
        Returns the manifest of the bundle that is served.
    """

    def __init__(self, memory: SharedMemory, manifest: Callable[[], Manifest]) -> None:
        self._memory = memory
        self._manifest = manifest
        self._lock = threading.Lock()

    def build_route(self, *, is_open: bool) -> Route:
        """Return the route that answers with the figures.

        Parameters
        ----------
        is_open : bool
            Whether it needs no token where others do.
        """
        kinds = ("text/plain", "application/openmetrics-text")
        figures = {
            "description": "Figures",
            "content": {kind: {"schema": {"type": "string"}} for kind in kinds},
        }
        content = {
            "summary": "Figures for Prometheus",
            "responses": {"200": figures, **refusals(400, 401, 404, 503)},
        }
        return Route(
            method="GET",
            path=METRICS_PATH,
            summary="figures for Prometheus",
            handle=lambda asked, _body: self.answer(asked.headers.get("ACCEPT", "")),
            describe=lambda: Operation(content),
            open=is_open,
            vital=True,
        )

    def answer(self, accept: str) -> Reply:
        """Write the figures in the format that an Accept header asks for."""
        from prometheus_client import CollectorRegistry
        from prometheus_client.exposition import choose_encoder

        with self._lock:
            registry = CollectorRegistry(auto_describe=False)
            registry.register(self)
            encode, content_type = choose_encoder(accept)
            return Reply(200, (("Content-Type", content_type),), encode(registry))

    def collect(self) -> "Iterator[Metric]":
        """Yield the metric families."""
        slots = self._memory.read()
        sums = total(slots)
        yield from _plain(sums)
        yield from _durations(sums)
        manifest = self._manifest()
        yield from _numbers(manifest, sums)
        yield from _bundle(manifest)
        yield from _drift(manifest, slots)
        yield from _processes([int(slot.get((m.PID, ()), 0)) for slot in slots])


def _plain(sums: dict[Key, float]) -> "Iterator[Metric]":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    series = sorted(sums.items())
    for name, (kind, text, own) in FAMILIES.items():
        make = CounterMetricFamily if kind == "counter" else GaugeMetricFamily
        several = name == predictions.PREDICTIONS and any(
            of == name and "output" in dict(values) for of, values in sums
        )
        labels = (*own, "output") if several else own
        family = make(name, text, labels=labels)
        for (of, values), value in series:
            if of == name:
                named = dict(values)
                family.add_metric([named.get(label, "") for label in labels], value)
        if not labels and not family.samples:
            family.add_metric([], 0)
        yield family


def _durations(sums: dict[Key, float]) -> "Iterator[Metric]":
    from prometheus_client.core import HistogramMetricFamily

    family = HistogramMetricFamily(
        m.DURATION, "From the last byte of a request to the answer", labels=("contract", "route")
    )
    series = [dict(labels) for name, labels in sums if name == m.DURATION]
    for contract, route in sorted({(each["contract"], each["route"]) for each in series}):
        labels = {"contract": contract, "route": route}
        family.add_metric([contract, route], *read_histogram(sums, m.DURATION, BUCKETS, **labels))
    yield family


def _numbers(manifest: Manifest, sums: dict[Key, float]) -> "Iterator[Metric]":
    """Yield the histogram of predicted numbers, between the deciles of the target in training."""
    from prometheus_client.core import HistogramMetricFamily

    parts = manifest.signature.parts
    names = ["output"] if len(parts) > 1 else []
    text = f"Predictions of {manifest.signature.output.name}"
    family = HistogramMetricFamily(predictions.NUMBERS, text, labels=names)
    for output in (part.output for part in parts):
        if isinstance(output, NumberOutput):
            labels = dict.fromkeys(names, output.name)
            edges = predictions.bounds(output)
            histogram = read_histogram(sums, predictions.NUMBERS, edges, **labels)
            family.add_metric([*labels.values()], *histogram)
    if family.samples:
        yield family


def _bundle(manifest: Manifest) -> "Iterator[Metric]":
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        PREFIX + "bundle_info", "The bundle that is served", labels=("model", "version", "digest")
    )
    family.add_metric([manifest.model, str(manifest.version), manifest.digest], 1)
    yield family


def _drift(manifest: Manifest, slots: Sequence[dict[Key, float]]) -> "Iterator[Metric]":
    """Compare the rows of the present window with the training samples, if they are enough.

    Until the window holds enough rows, the one before it is counted in.
    """
    from prometheus_client.core import GaugeMetricFamily

    names = ("column",)
    index = GaugeMetricFamily(
        PREFIX + "drift_psi", "Population stability index against training", labels=names
    )
    limit = GaugeMetricFamily(
        PREFIX + "drift_threshold", "Index above which drift is likely", labels=names
    )
    rows = GaugeMetricFamily(PREFIX + "drift_rows", "Rows that the index is about")
    newest = max((slot.get((predictions.GENERATION, ()), 0) for slot in slots), default=0)
    sums = total([slot for slot in slots if slot.get((predictions.GENERATION, ())) == newest])
    n_rows = 0.0
    for column in manifest.signature.columns:
        trained = build_bins(column).trained
        now, before = (
            [
                sums.get((name, (("bin", str(k)), ("column", column.name))), 0.0)
                for k in range(len(trained))
            ]
            for name in (predictions.DRIFT_NOW, predictions.DRIFT_BEFORE)
        )
        served = now
        if sum(now) < ENOUGH_ROWS:
            served = [a + b for a, b in zip(now, before, strict=True)]
        n_rows = sum(served)
        if n_rows >= ENOUGH_ROWS and column.seen:
            index.add_metric([column.name], stability_index(trained, served))
            threshold = drift_threshold(len(served), sum(trained), n_rows)
            limit.add_metric([column.name], threshold)
    rows.add_metric([], n_rows)
    yield from (index, limit, rows)


def _processes(pids: Sequence[int]) -> "Iterator[Metric]":
    """Report what the kernel says of each process; the last one is the supervisor."""
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    labels = ("process",)
    cpu = CounterMetricFamily("process_cpu_seconds", "Processor time", labels=labels)
    resident = GaugeMetricFamily("process_resident_memory_bytes", "Resident memory", labels=labels)
    files = GaugeMetricFamily("process_open_fds", "Open file descriptors", labels=labels)
    threads = GaugeMetricFamily("process_threads", "Threads", labels=labels)
    for number, pid in enumerate(pids):
        name = "supervisor" if number == len(pids) - 1 else f"worker-{number}"
        directory = Path("/proc") / str(pid)
        try:
            stat = (directory / "stat").read_text().rpartition(") ")[2].split()
            n_files = len(list((directory / "fd").iterdir()))
        except OSError:
            continue  # just died, or there is no /proc
        # Fields of proc(5), counted from the state, which is its third.
        cpu.add_metric([name], (int(stat[11]) + int(stat[12])) / _TICKS)
        threads.add_metric([name], int(stat[17]))
        resident.add_metric([name], int(stat[21]) * _PAGE)
        files.add_metric([name], n_files)
    yield from (cpu, resident, files, threads)
