"""What the tests of the service share: a running kindredd, archives to serve, and the command line
as the measure of every answer.

A test program begins with `import kindred_server`, before anything of gRPC: it finds the stubs that
the build made, and ends the program as skipped where python3-grpcio is absent.
"""

import contextlib
import csv
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
import zlib

SKIPPED = 77  # ctest's SKIP_RETURN_CODE

try:
    import grpc
except ImportError as reason:
    print(f"skipped: the independent client is not installed (python3-grpcio): {reason}")
    sys.exit(SKIPPED)

BIN = pathlib.Path(os.environ["KIN_TEST_BIN_DIR"])
SOURCE = pathlib.Path(os.environ["KIN_TEST_SOURCE_DIR"])
STUBS = pathlib.Path(os.environ["KIN_TEST_STUBS"])
SHARED = pathlib.Path(os.environ.get("KINDRED_SHARED_DATA", SOURCE / "../shared/data"))
SAMPLES = SOURCE / "data-samples"
# Of the real images one in so many: programs under a sanitizer take ten times as long.
SHARE = int(os.environ.get("KIN_TEST_SHARE", "1"))

# Stubs of grpc.health and grpc.reflection lie in a folder named grpc, as the library itself does.
sys.path.insert(0, str(STUBS))
grpc.__path__.append(str(STUBS / "grpc"))

from kindred.v1 import image_pb2, ingest_pb2, kindred_pb2_grpc, manage_pb2, search_pb2  # noqa: E402

LEVELS = {"image": image_pb2.LEVEL_IMAGE, "series": image_pb2.LEVEL_SERIES,
          "study": image_pb2.LEVEL_STUDY, "patient": image_pb2.LEVEL_PATIENT}
CALL_SECONDS = 120  # of any call whose deadline is not what is tested


# --- the command line ---

def kindred(*arguments, archive, exit_codes=(0,)):
    """Runs the command line, which may end with these codes; returns what it printed."""
    run = subprocess.run([BIN / "kindred", "-a", archive, *map(str, arguments)],
                         capture_output=True, timeout=600, check=False)
    if run.returncode not in exit_codes:
        raise AssertionError(f"kindred {arguments} ended with {run.returncode}: "
                             f"{run.stderr.decode(errors='replace')}")
    return run.stdout.decode()


def kindred_json(*arguments, archive):
    return json.loads(kindred(*arguments, "--json", archive=archive))


class Folder(contextlib.ExitStack):
    """A folder that goes with its user."""

    def __init__(self):
        super().__init__()
        self.path = pathlib.Path(self.enter_context(
            tempfile.TemporaryDirectory(prefix="kindred-remote-")))


def samples_archive(folder):
    """An archive of the committed samples."""
    archive = folder / "samples"
    kindred("ingest", SAMPLES, "--manifest", SAMPLES / "manifest.csv", archive=archive)
    return archive


def shared_data(name):
    """A folder of real images, or the reason to skip."""
    path = SHARED / name
    if not path.exists():
        raise unittest.SkipTest(f"real test data not found at {path}")
    return path


def brain_archive(folder, share=SHARE):
    data = shared_data("brain-mri")
    archive = folder / "brain-mri"
    paths = [data / row["path"] for row in manifest_rows(data / "manifest.csv")[::share]]
    kindred("ingest", *(paths if share > 1 else [data]), "--manifest", data / "manifest.csv",
            archive=archive)
    return archive


def dicom_archive(folder):
    """Real DICOM files of many kinds, some of which hold no image or cannot be read."""
    archive = folder / "dicom"
    data = shared_data("dicom")
    paths = sorted(path for path in data.rglob("*") if path.is_file())[::(SHARE + 3) // 4]
    kindred("ingest", *(paths if SHARE > 1 else [data]), archive=archive, exit_codes=(0, 1))
    return archive


def exported(archive):
    """Every stored image, as `export` says."""
    lines = kindred("export", "--format", "ndjson", archive=archive).splitlines()
    return [json.loads(line) for line in lines]


def manifest_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- the server ---

class Server(contextlib.AbstractContextManager):
    """A kindredd on a free port, until the end of the `with`; told to stop, it must end well."""

    START_SECONDS = 60
    STOP_SECONDS = 60

    def __init__(self, archive, file_size_limit=None, **options):
        """options: those of the configuration, "." as "__": server__ingests=1."""
        self.archive = archive
        self.folder = Folder()
        self.log_path = self.folder.path / "log"
        self.port_path = self.folder.path / "port"
        self.file_size_limit = file_size_limit
        settings = {"archive.path": archive, "server.listen": "127.0.0.1:0",
                    "http.listen": "127.0.0.1:0", "log.level": "debug"}
        settings.update({name.replace("__", "."): value for name, value in options.items()})
        self.arguments = [f"--{name}={value}" for name, value in settings.items()]
        self.process = None
        self.expected_exit = 0
        self.told_to_stop = False
        self.port = self.http_port = 0
        self.channels = []

    def __enter__(self):
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [BIN / "kindredd", "--config=", f"--port-file={self.port_path}", *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, restore_signals=False,
                preexec_fn=self._limit_files)
        try:
            self._await_ports()
        except BaseException:
            self.process.kill()
            self.process.wait()
            self.folder.close()
            raise
        return self

    def _limit_files(self):
        """A disk that is full, to the server: writes behind this size fail (EFBIG; Python's own
        disregard of SIGXFSZ is passed on)."""
        if self.file_size_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_size_limit,) * 2)

    def _await_ports(self):
        end = time.monotonic() + self.START_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError(f"kindredd ended with {self.process.returncode}: {self.log()}")
            if self.port_path.exists():
                ports = dict(line.split() for line in self.port_path.read_text().splitlines())
                if len(ports) == 2:
                    self.port, self.http_port = int(ports["grpc"]), int(ports["http"])
                    return
            time.sleep(0.01)
        raise AssertionError(f"kindredd tells no port: {self.log()}")

    def __exit__(self, kind, value, traceback):
        try:
            self.stop()
        except AssertionError:
            if kind is None:
                raise
        finally:
            self.folder.close()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM, a clean end, nothing from a sanitizer."""
        for channel in self.channels:
            channel.close()
        self.channels = []
        self.terminate()
        try:
            code = self.process.wait(self.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"kindredd does not stop: {self.log()}") from None
        if code != self.expected_exit or "Sanitizer" in self.log() or "runtime error" in self.log():
            raise AssertionError(f"kindredd ended with {code}: {self.log()}")

    def terminate(self):
        """SIGTERM, once: a second one would cut running calls off."""
        if not self.told_to_stop and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.told_to_stop = True

    def kill(self):
        self.process.kill()
        self.expected_exit = self.process.wait()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def metrics(self):
        """The page that Prometheus reads."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics",
                                    timeout=60) as page:
            return page.read().decode()

    def running(self, kind):
        """Calls of a class under way, as the metrics say."""
        line = next(line for line in self.metrics().splitlines()
                    if line.startswith(f'kindred_calls_running{{class="{kind}"}}'))
        return int(line.split()[-1])

    def channel(self, credentials=None, options=()):
        """A connection of its own; closed with the server."""
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1),
                   ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0), *options]
        channel = (grpc.insecure_channel(self.address, options) if credentials is None else
                   grpc.secure_channel(self.address, credentials, options))
        self.channels.append(channel)
        return channel

    def stub(self, credentials=None):
        return kindred_pb2_grpc.KindredServiceStub(self.channel(credentials))


def bearer(token):
    return (("authorization", f"Bearer {token}"),)


# --- messages as the command line's JSON ---

def region_json(image):
    """As the region of an image in any JSON."""
    if not image.HasField("region"):
        return None
    region = image.region
    value = {name: getattr(region, name) for name in ("number", "label", "code", "source")}
    value["box"] = {name: getattr(region.box, name) for name in ("x", "y", "width", "height")}
    return value


def image_json(image):
    """As one of `show --json`."""
    names = ("id", "sop_instance_uid", "series_instance_uid", "study_instance_uid", "patient_id",
             "modality", "body_part", "study_date", "outcome", "path", "frame", "width", "height",
             "file_digest", "content_digest")
    value = {name: getattr(image, name) for name in names}
    value["ingested"] = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                      time.gmtime(image.ingested_us // 1_000_000))
    value["region"] = region_json(image)
    value["labels"] = {label.name: label.value for label in image.labels}
    return value


def result_json(result):
    """As one of `search --json`."""
    names = ("sop_instance_uid", "series_instance_uid", "study_instance_uid", "patient_id",
             "modality", "path", "frame", "outcome")
    value = {name: getattr(result.image, name) for name in names}
    value.update(rank=result.rank, score=result.score, region=region_json(result.image),
                 labels={label.name: label.value for label in result.image.labels})
    return value


PLAN_TIMES = ("milliseconds", "ranking_milliseconds", "members_milliseconds",
              "estimated_milliseconds")


def plan_json(plan):
    """As the plan of `search --json`."""
    names = ("method", "fell_back", "recall", "expected_recall", "width", "candidates",
             "index_kind", "model", "generation", "live", "members", "tail", "scored", "scanned")
    value = {name: getattr(plan, name) for name in names + PLAN_TIMES}
    value["considered"] = [
        {"method": one.method, "milliseconds": None if one.milliseconds < 0 else one.milliseconds}
        for one in plan.considered]
    return value


def search_json(response):
    """As `search --json`."""
    query = response.query
    return {"query": {"name": query.name, "frame": query.frame,
                      "region": query.stored_region, "patient_id": query.patient_id,
                      "stored": query.stored},
            "plan": plan_json(response.plan),
            "complete": response.complete, "exact": response.exact,
            "results": [result_json(result) for result in response.results]}


def without_times(case, plan):
    """A plan but for what differs from run to run, which is checked to be there."""
    plan = dict(plan)
    for name in PLAN_TIMES:
        case.assertGreaterEqual(plan.pop(name), 0, name)
    plan["considered"] = [(one["method"], one["milliseconds"] is not None)
                          for one in plan["considered"]]
    for one in ("recall", "expected_recall"):  # JSON is printed with nine digits
        plan[one] = round(plan[one], 8)
    return plan


TUNING = ("target", "recall", "microseconds", "width", "candidates")


def tunings_json(tunings):
    return [{name: getattr(tuning, name) for name in TUNING} for tuning in tunings]


def report_json(report):
    """As `reindex --json`."""
    names = ("images", "model", "model_kind", "learnt", "metric_due", "generation", "index_kind", "extended",
             "recall_at_10", "recall_queries", "recall_bound", "below_bound", "forecast_bytes",
             "peak_bytes", "build_seconds", "tune_seconds", "swap_seconds", "seconds")
    value = {name: getattr(report, name) for name in names}
    value["drift"] = {name: getattr(report.drift, name)
                      for name in ("judged", "old_error", "new_error", "learn", "old_index_error",
                                   "new_index_error", "retrain")}
    value["tunings"] = tunings_json(report.tunings)
    return value


def stats_json(stats):
    """As `stats --json`, but for the values of names."""
    names = ("archive", "images", "regions", "instances", "series", "studies", "patients", "rows", "dead",
             "tail")
    value = {name: getattr(stats, name) for name in names}
    value["model"] = {name: getattr(stats.model, name)
                      for name in ("id", "kind", "dim", "descriptor_length", "trained_on",
                                   "layout", "codec")}
    value["model"]["metric"] = {
        name: getattr(stats.model.metric, name)
        for name in ("label", "where", "images", "classes", "groups", "map", "base_map")
    } if stats.model.HasField("metric") else None
    generation = stats.generation
    value["generation"] = None if generation.number == 0 else {
        "number": generation.number, "kind": generation.index_kind, "time": generation.time,
        "recall_at_10": generation.recall_at_10, "tunings": tunings_json(generation.tunings)}
    value["bytes"] = {"catalog": stats.catalog_bytes, "descriptors": stats.descriptor_bytes,
                      "vectors": stats.vector_bytes, "index": stats.index_bytes}
    return value


# --- tests ---

class RemoteCase(unittest.TestCase):
    maxDiff = 4000

    def assert_status(self, code, text, call):
        """call() fails with this code, and its details hold the text; returns the details."""
        with self.assertRaises(grpc.RpcError) as caught:
            result = call()
            if hasattr(result, "__next__"):
                list(result)
        failure = caught.exception
        self.assertEqual(failure.code(), code, failure.details())
        if text:
            self.assertIn(text, failure.details())
        return failure.details()

    def assert_same_search(self, response, expected):
        """The response to a SearchRequest with explain says what `search --json` said."""
        got = search_json(response)
        for answer in (got, expected):
            answer["plan"] = without_times(self, answer["plan"])
        for result in expected["results"]:
            result["score"] = struct.unpack("f", struct.pack("f", result["score"]))[0]
        self.assertEqual(got, expected)

    def assert_near(self, one, other):
        """The same, but for the digits that JSON leaves out."""
        self.assertEqual(type(one), type(other))
        if isinstance(one, dict):
            self.assertEqual(one.keys(), other.keys())
            for name in one:
                with self.subTest(name=name):
                    self.assert_near(one[name], other[name])
        elif isinstance(one, list):
            self.assertEqual(len(one), len(other))
            for mine, theirs in zip(one, other):
                self.assert_near(mine, theirs)
        elif isinstance(one, float):
            self.assertAlmostEqual(one, other, delta=1e-8 * max(1, abs(one)))
        else:
            self.assertEqual(one, other)


def poll(condition, seconds=30, what="what was waited for"):
    """Waits until condition() is true; returns its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come about in {seconds} s")


# --- files to send ---

def png(width, height, pixel, channels=1, level=6):
    """A PNG of 8 bits a sample; pixel(x, y) gives a number, or a tuple of `channels`."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            value = pixel(x, y)
            rows.extend(value if channels > 1 else (value,))
    return png_of_rows(width, height, bytes(rows), channels, level)


def png_of_rows(width, height, rows, channels=1, level=6):
    """rows: for each row a filter byte and its samples."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    header = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
            chunk(b"IDAT", zlib.compress(rows, level)) + chunk(b"IEND", b""))


def decode_png(data):
    """(width, height, channels, rows with the filters undone)."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == \
            zlib.crc32(kind + body), "a chunk's checksum is wrong"
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height, depth, colour = header[:4]
    assert depth == 8 and colour in (0, 2) and header[6] == 0, header
    channels = 1 if colour == 0 else 3
    return width, height, channels, _unfilter(zlib.decompress(packed), width * channels, height,
                                              channels)


def _unfilter(raw, stride, height, channels):
    assert len(raw) == (stride + 1) * height, "the picture's size is wrong"
    rows, above = [], bytes(stride)
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride):
            left = line[x - channels] if x >= channels else 0
            corner = above[x - channels] if x >= channels else 0
            line[x] = (line[x] + _predict(kind, left, above[x], corner)) & 255
        rows.append(bytes(line))
        above = rows[-1]
    return rows


def _predict(kind, left, up, corner):
    if kind < 3:
        return (0, left, up)[kind]
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def requests_of_file(name, data, fields=(), size=None, chunk_bytes=1 << 20):
    """The IngestRequests that send a file."""
    labels = [image_pb2.Label(name=key, value=value) for key, value in dict(fields).items()]
    yield ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(
        name=name, size=len(data) if size is None else size, fields=labels))
    for at in range(0, len(data), chunk_bytes):
        yield ingest_pb2.IngestRequest(chunk=data[at:at + chunk_bytes])


def copy_archive(archive, to):
    """A copy that a test may change."""
    shutil.copytree(archive, to)
    return to


def main():
    """Runs the program's tests; a program of which all were skipped counts as skipped."""
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    if result.testsRun > 0 and len(result.skipped) == result.testsRun:
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)
