"""Spark: a master, and its executors."""

import os
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from tempfile import TemporaryFile
from typing import Any, Final
from warnings import catch_warnings

from iris_deploy.clusters.versions import check_version, own_version
from iris_deploy.errors import ClusterError, first_line

_PATIENCE: Final = 10  # s for a master to answer
_EXECUTORS: Final = 60  # s without any executor
_LOOK: Final = 5  # s between two looks


def start(address: str) -> Any:
    """Start a driver, which is a Java of its own.

    Parameters
    ----------
    address : str
        Of the master, as ``spark://10.0.0.1:7077``, or whatever else Spark takes for one.

    Returns
    -------
    pyspark.SparkContext
        Whose executors have this version of the package.

    Raises
    ------
    ClusterError
        If it does not start, there is no master or no executor, or one with another version.
    """
    context = _start(address)
    try:
        _look(context)
    except BaseException:
        with suppress(Exception):
            context.stop()
        raise
    return context


def _start(address: str) -> Any:
    with catch_warnings(action="ignore", category=FutureWarning):  # of pandas, not wanted here
        try:
            from pyspark import SparkConf, SparkContext
            from pyspark.java_gateway import launch_gateway
        except ImportError as exc:
            raise ClusterError(
                "Spark is not installed", hint="pip install 'iris-deploy[spark]'"
            ) from exc
        _knock(address)
        if address.startswith("local"):  # the very Python that runs this
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        conf: Any = SparkConf().setMaster(address).setAppName("iris-deploy")
        conf.set("spark.ui.showConsoleProgress", "false")
        with TemporaryFile() as said:
            try:
                gateway: Any = launch_gateway(conf, {"stderr": said})
                return SparkContext(conf=conf, gateway=gateway)
            except Exception as exc:  # some have no class of their own
                said.seek(0)
                raise _refuse(address, said.read().decode("utf-8", "replace"), exc) from exc


def _refuse(address: str, said: str, exc: Exception) -> ClusterError:
    """Return the error about a driver that does not start, by what it has said."""
    told = [line for line in said.splitlines() if line[:1].strip()]  # others say where in Spark
    return ClusterError(
        f"Spark does not start with {address}: {(told or [read_reason(exc)])[-1]:.160}",
        hint="it needs a Java, in JAVA_HOME or in PATH, and a master",
    )


def _knock(address: str) -> None:
    """Refuse a standalone master that does not answer: Spark would ask it for a minute."""
    if not address.startswith("spark://"):
        return
    wrong: Exception | None = None
    for place in address.removeprefix("spark://").split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
        except (OSError, ValueError, OverflowError) as exc:
            wrong = exc
        else:
            return
    raise ClusterError(
        f"no master answers at {address}: {str(wrong)[:120]}",
        hint="start one: start-master.sh; and workers: start-worker.sh ADDRESS",
    )


def read_reason(exc: Exception) -> str:
    """Return what an error of Spark says, without where it was raised.

    Parameters
    ----------
    exc : Exception
    """
    java = getattr(exc, "java_exception", None)
    return first_line((java.getMessage() if java is not None else None) or exc)


def run_one(context: Any, work: Callable[..., Any], *given: Any) -> Any:
    """Do a piece of work on an executor, whichever is free, and return what it returns.

    Parameters
    ----------
    context : pyspark.SparkContext
    work : callable
    *given
        What it takes.
    """
    return context.parallelize([given], 1).map(lambda each: work(*each)).collect()[0]


def wait_for(context: Any, future: Future[Any]) -> Any:
    """Return what a piece of work has come to.

    Parameters
    ----------
    context : pyspark.SparkContext
    future : Future
        Of a thread in which `run_one` runs.

    Raises
    ------
    ClusterError
        If there was no executor for a minute: Spark itself would wait for ever.
    """
    alone = 0
    while True:
        try:
            return future.result(_LOOK)
        except TimeoutError:
            alone = alone + _LOOK if _is_alone(context) else 0
            if alone >= _EXECUTORS:
                raise ClusterError(
                    f"the cluster has given no executor for {_EXECUTORS} s",
                    hint="does it have workers, with memory and processors to spare?",
                ) from None


def _is_alone(context: Any) -> bool:
    """Tell whether a driver has no executor, though it needs one."""
    if context.master.startswith("local"):
        return False
    with suppress(Exception):  # while Java ends
        return bool(context._jsc.sc().getExecutorMemoryStatus().size() == 1)  # noqa: SLF001
    return True


def _look(context: Any) -> None:
    """Have an executor say which version of the package it has."""
    pool = ThreadPoolExecutor(1)
    try:
        version = wait_for(context, pool.submit(run_one, context, own_version))
    except ClusterError:
        raise
    except Exception as exc:
        if "ModuleNotFoundError" not in str(exc):
            raise ClusterError(f"the cluster runs no Python: {read_reason(exc)}") from exc
        version = None
    finally:
        pool.shutdown(wait=False)
    check_version("the cluster", version)
