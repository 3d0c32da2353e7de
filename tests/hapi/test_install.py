"""Installing: once, whole, by one process at a time, and with a remedy in the message. No Java, no network."""

import fcntl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from examples.region.hapi import HapiFailedError, HapiUnavailableError, ensure_hapi

REMEDY = "HAPI FHIR needs Java 17 and Maven: apt-get install openjdk-17-jdk-headless maven"

# Stand-ins that leave a mark for every call and make what the real ones make.
MAVEN = """#!/bin/sh
echo mvn >> "$MARKS"
for word in "$@"; do case "$word" in -DoutputDirectory=*) /bin/mkdir -p "${word#*=}"; echo jar > "${word#*=}/a.jar";; esac; done
"""
JAVAC = """#!/bin/sh
[ "$1" = "-version" ] && { echo "javac 17.0.15"; exit 0; }
echo javac >> "$MARKS"
while [ "$1" != "-d" ]; do shift; done
/bin/mkdir -p "$2"
"""
JAVA = "#!/bin/sh\n"
OLD_JAVAC = '#!/bin/sh\necho "javac 11.0.2"\n'
BROKEN = "#!/bin/sh\necho no such artefact\nexit 1\n"


class Tools:
    """A PATH with nothing on it but what a test puts there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.marks = directory / "marks"

    def put(self, **scripts: str) -> None:
        for name, script in scripts.items():
            tool = self.directory / name
            tool.write_text(script)
            tool.chmod(0o755)

    def calls(self) -> list[str]:
        return self.marks.read_text().split() if self.marks.exists() else []


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tools:
    directory = tmp_path / "bin"
    directory.mkdir()
    made = Tools(directory)
    made.put(java=JAVA, javac=JAVAC, mvn=MAVEN)
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("MARKS", str(made.marks))
    return made


def quiet(_: str) -> None:
    """Progress nobody reads."""


@pytest.mark.parametrize("missing", ["java", "javac", "mvn"])
def test_a_missing_tool_is_answered_with_the_command_that_installs_it(
    tools: Tools, tmp_path: Path, missing: str
) -> None:
    (tools.directory / missing).unlink()
    with pytest.raises(HapiUnavailableError) as refusal:
        ensure_hapi(tmp_path / "cache", quiet)
    assert str(refusal.value) == REMEDY


def test_a_compiler_that_is_too_old_is_answered_with_the_same_command(tools: Tools, tmp_path: Path) -> None:
    tools.put(javac=OLD_JAVAC)
    with pytest.raises(HapiUnavailableError):
        ensure_hapi(tmp_path / "cache", quiet)


def test_a_second_call_does_nothing_and_needs_java_only(tools: Tools, tmp_path: Path) -> None:
    first = ensure_hapi(tmp_path / "cache", quiet)
    (tools.directory / "mvn").unlink()
    (tools.directory / "javac").unlink()
    assert ensure_hapi(tmp_path / "cache", quiet) == first
    assert tools.calls() == ["mvn", "javac"]
    assert (first.directory / "lib" / "a.jar").is_file()
    assert (first.directory / "classes").is_dir()


def test_a_failed_maven_names_its_output_and_leaves_nothing_to_be_taken_for_whole(tools: Tools, tmp_path: Path) -> None:
    tools.put(mvn=BROKEN)
    cache = tmp_path / "cache"
    with pytest.raises(HapiFailedError, match=r"mvn failed; see .*install\.log"):
        ensure_hapi(cache, quiet)
    assert "no such artefact" in (cache / "install.log").read_text()
    tools.put(mvn=MAVEN)
    assert (ensure_hapi(cache, quiet).directory / "lib" / "a.jar").is_file()


def test_what_an_aborted_run_left_is_thrown_away(tools: Tools, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    tools.put(javac=BROKEN.replace("echo", '[ "$1" = "-version" ] && { echo "javac 17"; exit 0; }\necho'))
    with pytest.raises(HapiFailedError):
        ensure_hapi(cache, quiet)
    assert list(cache.glob("*.partial"))
    tools.put(javac=JAVAC)
    ensure_hapi(cache, quiet)
    assert not list(cache.glob("*.partial"))


def test_of_two_callers_at_once_one_builds_and_both_get_it(tools: Tools, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    told: list[str] = []
    with ThreadPoolExecutor(2) as both, (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # holds both at the door
        answers = [both.submit(ensure_hapi, cache, told.append) for _ in range(2)]
        fcntl.flock(lock, fcntl.LOCK_UN)
    assert answers[0].result() == answers[1].result()
    assert tools.calls() == ["mvn", "javac"]
