"""Fetch HAPI FHIR with Maven and compile our one Java class, once per version of both.

An installation is a directory in the cache named after a digest of ``pom.xml`` and ``HapiServer.java``. It is built under
another name and renamed when complete, so a directory with the right name is whole, whatever was aborted before; a file
lock lets one builder in at a time. Once installed, only ``java`` is needed and nothing is fetched.

HapiError
├── HapiUnavailableError   Java 17 or Maven is not on this machine: skip, or install them
└── HapiFailedError        fetching, compiling, starting or loading went wrong: the message says where to look
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[2] / ".cache" / "hapi"  # git ignores it
POM = HERE / "pom.xml"
SERVER = HERE / "HapiServer.java"

JAVA_RELEASE = 17  # what HAPI FHIR 8 is compiled for
FETCH_TIMEOUT = 900.0  # seconds; 294 MB, two minutes on a slow day
COMPILE_TIMEOUT = 120.0  # seconds; 3 on an idle machine

Progress = Callable[[str], None]


class HapiError(Exception):
    """There is no HAPI FHIR server to work with."""


class HapiUnavailableError(HapiError):
    """Java 17 or Maven is not on this machine. The message is the command that changes it."""

    def __init__(self) -> None:
        super().__init__(
            f"HAPI FHIR needs Java {JAVA_RELEASE} and Maven: apt-get install openjdk-{JAVA_RELEASE}-jdk-headless maven"
        )


class HapiFailedError(HapiError):
    """HAPI FHIR could not be fetched, compiled, started or loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HapiInstall:
    """A complete installation in the cache; only ``ensure_hapi`` makes it.

    Attributes:
        directory: holds ``lib`` (the jars) and ``classes`` (our server).
        java: path of the ``java`` command.
    """

    directory: Path
    java: str

    @property
    def classpath(self) -> str:
        """For ``java -cp``."""
        return f"{self.directory / 'classes'}:{self.directory / 'lib'}/*"


def ensure_hapi(cache: Path = CACHE, progress: Progress = print) -> HapiInstall:
    """Install HAPI FHIR in ``cache`` unless it is there; a second call is instant.

    Writes below ``cache``; uses the network through Maven the first time. Safe to call from several processes.

    Args:
        cache: directory, made when absent; about 300 MB per version.
        progress: told in one line what takes long.

    Raises:
        HapiUnavailableError: ``java``, or for the first installation ``javac`` or ``mvn``, is missing or too old.
        HapiFailedError: Maven or the compiler failed; its output is in a file that the message names.
    """
    java = _command("java")
    directory = cache / _digest()
    if directory.is_dir():
        return HapiInstall(directory=directory, java=java)
    javac, maven = _command("javac"), _command("mvn")
    _check_release(javac)
    cache.mkdir(parents=True, exist_ok=True)
    with _only_one(cache / "lock", progress):
        if not directory.is_dir():  # else another process was first
            _build(directory, javac, maven, progress)
    return HapiInstall(directory=directory, java=java)


def _build(directory: Path, javac: str, maven: str, progress: Progress) -> None:
    for left_over in directory.parent.glob("*.partial"):  # of an aborted run: we hold the lock
        shutil.rmtree(left_over, ignore_errors=True)
    # Never the same name twice: a Maven that outlived its aborted caller may still be writing in the old one.
    partial = Path(tempfile.mkdtemp(prefix=f"{directory.name}.", suffix=".partial", dir=directory.parent))
    lib = partial / "lib"
    log = directory.parent / "install.log"
    progress("HAPI FHIR: fetching it with Maven (294 MB, once)")
    fetch = [maven, "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime"]
    _run([*fetch, f"-DoutputDirectory={lib}"], FETCH_TIMEOUT, log)
    progress("HAPI FHIR: compiling the server")
    compile_ = [javac, "-proc:none", "-Xlint:none", "-d", str(partial / "classes"), "-cp", f"{lib}/*", str(SERVER)]
    _run(compile_, COMPILE_TIMEOUT, log)
    partial.rename(directory)


def _digest() -> str:
    return hashlib.sha256(POM.read_bytes() + SERVER.read_bytes()).hexdigest()[:16]


def _command(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise HapiUnavailableError
    return path


def _check_release(javac: str) -> None:
    """Refuse a compiler that is too old here, where the remedy can be named."""
    answer = subprocess.run([javac, "-version"], capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT)  # noqa: S603  # found on PATH
    found = re.search(r"javac (\d+)", answer.stdout + answer.stderr)
    if found is None or int(found[1]) < JAVA_RELEASE:
        raise HapiUnavailableError


def _run(command: Sequence[str], timeout: float, log: Path) -> None:
    name = Path(command[0]).name
    with log.open("wb") as output:
        try:
            subprocess.run(  # noqa: S603  # the command is ours, found on PATH
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True, timeout=timeout
            )
        except subprocess.TimeoutExpired as error:
            raise HapiFailedError(f"{name} took longer than {timeout:.0f} seconds; see {log}") from error
        except subprocess.CalledProcessError as error:
            raise HapiFailedError(f"{name} failed; see {log}") from error


@contextmanager
def _only_one(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file ``path``; the system gives it back when a holder dies."""
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("HAPI FHIR: another process is installing it, waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
