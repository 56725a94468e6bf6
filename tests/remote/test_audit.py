"""The audit trail has every call; the log and the metrics have nothing of a patient."""

import datetime
import json
import re
import urllib.error
import urllib.request

import kindred_server as ks
from kindred_server import Server, bearer, manage_pb2, search_pb2
from test_tls import ROLES, TOKENS, token_rules, write_access

import grpc
from grpc.health.v1 import health_pb2, health_pb2_grpc

PREFIX = "/kindred.v1.KindredService/"
SECRET_CONDITION = "diagnosis in (glioma, meningioma) and institution_name != Nowhere"


class Trail:
    """An audit file, read line by line."""

    def __init__(self, path):
        self.path = path
        self.seen = 0

    def lines(self):
        text = self.path.read_text(encoding="ascii") if self.path.exists() else ""
        assert text == "" or text.endswith("\n"), "the last line is torn"
        return [json.loads(line) for line in text.splitlines()]

    def new(self):
        """Events since the last call of this, each with the objects of all its lines."""
        lines = self.lines()
        new, self.seen = lines[self.seen:], len(lines)
        events = []
        for line in new:
            if line["event"].get("part", [1])[0] == 1:
                events.append(line)
            else:
                events[-1]["objects"] += line["objects"]
        return events


def objects_of(event, role):
    return [(o["type"], o["value"]) for o in event["objects"] if o["role"] == role]


class Audited(ks.RemoteCase):
    """Each test has a server with a trail and an archive of its own."""

    @classmethod
    def setUpClass(cls):
        cls.original_folder = ks.Folder()
        cls.addClassCleanup(cls.original_folder.close)
        cls.original = ks.samples_archive(cls.original_folder.path)

    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        self.archive = ks.copy_archive(self.original, self.folder.path / "archive")
        self.images = ks.exported(self.archive)
        access = self.folder.path / "access"
        write_access(access, token_rules())
        (self.folder.path / "backups").mkdir()
        self.trail = Trail(self.folder.path / "trail.json")
        self.server = self.folder.enter_context(Server(
            self.archive, access__file=access, audit__file=self.trail.path,
            archive__backups=self.folder.path / "backups"))
        self.stub = self.server.stub()
        self.trail.new()

    def call(self, method, request, role="admin"):
        """Calls; returns (answer or failure, the events that this left)."""
        try:
            answer = getattr(self.stub, method)(request, timeout=ks.CALL_SECONDS,
                                                metadata=bearer(TOKENS[role]) if role else ())
            answer = list(answer) if hasattr(answer, "__next__") else answer
        except grpc.RpcError as failure:
            answer = failure
        return answer, self.trail.new()


class Events(Audited):
    def assert_event(self, events, method, name, action, code="OK", user="admin-user",
                     authentication="token"):
        """One event, of this kind; returns it."""
        self.assertEqual(len(events), 1, events)
        event = events[0]
        what = event["event"]
        self.assertEqual((what["method"], what["name"], what["action"], what["code"]),
                         (PREFIX + method, name, action, code))
        self.assertEqual(what["outcome"], 0 if code == "OK" else 4)
        age = (datetime.datetime.now(datetime.timezone.utc) -
               datetime.datetime.fromisoformat(what["time"].replace("Z", "+00:00")))
        self.assertLess(abs(age.total_seconds()), 120)
        self.assertGreaterEqual(what["seconds"], 0)
        participant = event["participants"][0]
        self.assertEqual((participant["user"], participant["authentication"]),
                         (user, authentication))
        self.assertRegex(participant["network_access_point"], r"^ipv4:127\.0\.0\.1:\d+$")
        return event

    def test_searches(self):
        image = self.images[50]
        uid = image["sop_instance_uid"]
        answer, events = self.call("Search", search_pb2.SearchRequest(
            uid=uid, where=SECRET_CONDITION, k=40), role="read")
        event = self.assert_event(events, "Search", "Query", "E", user="read-user")
        asked = objects_of(event, "asked")
        self.assertIn(("uid", uid), asked)
        self.assertIn(("condition", SECRET_CONDITION), asked)
        answered = objects_of(event, "answered")
        self.assertEqual([v for t, v in answered if t == "sop_instance_uid"],
                         [r.image.sop_instance_uid for r in answer.results])
        self.assertEqual({v for t, v in answered if t == "patient_id"},
                         {r.image.patient_id for r in answer.results})

    def test_searches_by_file(self):
        with open(self.images[0]["path"], "rb") as file:
            data = file.read()
        answer, events = self.call("Search", search_pb2.SearchRequest(dicom=data, name="a name"))
        event = self.assert_event(events, "Search", "Query", "E")
        self.assertIn(("patient_id", self.images[0]["patient_id"]), objects_of(event, "asked"))
        self.assertIn(("query", "a name"), objects_of(event, "asked"))
        self.assertEqual(len([o for o in objects_of(event, "answered")
                              if o[0] == "sop_instance_uid"]), len(answer.results))

    def test_each_search_of_a_stream(self):
        uids = [image["sop_instance_uid"] for image in self.images[::20]]
        requests = [search_pb2.SearchManyRequest(tag=n, search=search_pb2.SearchRequest(uid=u))
                    for n, u in enumerate(uids)]
        requests[2].search.uid = "2.25.404"
        answers, events = self.call("SearchMany", iter(requests))
        single = [e for e in events if e["objects"]]
        self.assertEqual(len(single), len(requests))
        for request, response, event in zip(requests, answers, single):
            self.assertIn(("uid", request.search.uid), objects_of(event, "asked"))
            self.assertEqual([v for t, v in objects_of(event, "answered")
                              if t == "sop_instance_uid"],
                             [r.image.sop_instance_uid for r in response.response.results])
        self.assertEqual(single[2]["event"]["code"], "NOT_FOUND")

    def test_large_answers_are_told_in_full(self):
        answer, events = self.call("Search", search_pb2.SearchRequest(
            uid=self.images[0]["sop_instance_uid"], k=5000))
        event = self.assert_event(events, "Search", "Query", "E")
        self.assertEqual([v for t, v in objects_of(event, "answered") if t == "sop_instance_uid"],
                         [r.image.sop_instance_uid for r in answer.results])
        self.assertEqual(len(answer.results), len(self.images) - 1)

    def test_looking_at_images(self):
        image = self.images[5]
        uid, patient = image["sop_instance_uid"], image["patient_id"]
        answer, events = self.call("Get", manage_pb2.GetRequest(uid=patient), role="read")
        event = self.assert_event(events, "Get", "DICOM Instances Accessed", "R",
                                  user="read-user")
        self.assertIn(("uid", patient), objects_of(event, "asked"))
        self.assertEqual({v for t, v in objects_of(event, "answered") if t == "sop_instance_uid"},
                         {i.sop_instance_uid for i in answer.images})
        _, events = self.call("Thumbnail", manage_pb2.ThumbnailRequest(sop_instance_uid=uid))
        event = self.assert_event(events, "Thumbnail", "DICOM Instances Accessed", "R")
        self.assertIn(uid, [v for _, v in objects_of(event, "asked")])
        self.assertIn(("patient_id", patient), objects_of(event, "answered"))

    def test_changes(self):
        picture = ks.png(32, 32, lambda x, y: (x * y + 77) % 256)
        streams = (ks.requests_of_file("new picture.png", picture, {"patient_id": "NEW-7"}),
                   ks.requests_of_file("words.txt", b"words"))
        receipt, events = self.call("Ingest", (r for s in streams for r in s), role="write")
        event = self.assert_event(events, "Ingest", "Import", "C", user="write-user")
        values = [o["value"] for o in event["objects"]]
        self.assertIn("new picture.png", values)
        self.assertIn(receipt.files[0].sop_instance_uid, values)
        image, patient = self.images[9], self.images[9]["patient_id"]
        for call, request in (
                ("SetOutcome", manage_pb2.SetOutcomeRequest(uid=image["study_instance_uid"],
                                                            outcome="well")),
                ("Delete", manage_pb2.DeleteRequest(uid=image["sop_instance_uid"]))):
            _, events = self.call(call, request)
            self.assertIn(("patient_id", patient), objects_of(events[0], "answered"))
        _, events = self.call("SetOutcome", manage_pb2.SetOutcomeRequest(uid=patient,
                                                                         outcome="well"))
        event = self.assert_event(events, "SetOutcome", "DICOM Instances Accessed", "U")
        self.assertIn(("uid", patient), objects_of(event, "asked"))
        _, events = self.call("Delete", manage_pb2.DeleteRequest(uid=patient))
        event = self.assert_event(events, "Delete", "DICOM Instances Accessed", "D")
        self.assertIn(("uid", patient), objects_of(event, "asked"))

    def test_administration(self):
        _, events = self.call("Stats", manage_pb2.StatsRequest(values_of=["diagnosis"]))
        self.assert_event(events, "Stats", "Query", "E")
        answer, events = self.call("Stats", manage_pb2.StatsRequest(values_of=["patient_id"]))
        event = self.assert_event(events, "Stats", "Query", "E")
        self.assertEqual(objects_of(event, "asked"), [("values_of", "patient_id")])
        self.assertEqual({v for t, v in objects_of(event, "answered") if t == "patient_id"},
                         {v.value for v in answer.values[0].values} - {""})
        _, events = self.call("Reindex", manage_pb2.ReindexRequest())
        self.assert_event(events, "Reindex", "Application Activity", "E")
        _, events = self.call("Backup", manage_pb2.BackupRequest(name="monday"))
        event = self.assert_event(events, "Backup", "Export", "R")
        self.assertIn(("backup", "monday"), objects_of(event, "asked"))

    def test_failures(self):
        _, events = self.call("Get", manage_pb2.GetRequest(uid="2.25.404"))
        event = self.assert_event(events, "Get", "DICOM Instances Accessed", "R", "NOT_FOUND")
        self.assertIn(("uid", "2.25.404"), objects_of(event, "asked"))
        _, events = self.call("Search", search_pb2.SearchRequest(uid="2.25.404", where="(("))
        self.assert_event(events, "Search", "Query", "E", "INVALID_ARGUMENT")

    def test_who_was_turned_away(self):
        uid = self.images[0]["sop_instance_uid"]
        _, events = self.call("Delete", manage_pb2.DeleteRequest(uid=uid), role="read")
        self.assert_event(events, "Delete", "Security Alert", "D", "PERMISSION_DENIED",
                          user="read-user")
        _, events = self.call("Search", search_pb2.SearchRequest(uid=uid), role=None)
        self.assert_event(events, "Search", "Security Alert", "E", "UNAUTHENTICATED", user="",
                          authentication=events[0]["participants"][0]["authentication"])

    def test_events_are_numbered_without_gaps(self):
        for number in range(20):
            self.call("Get", manage_pb2.GetRequest(uid=f"2.25.{number}"))
        numbers = sorted({line["event"]["sequence"] for line in self.trail.lines()})
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_the_trail_is_its_owners(self):
        self.assertEqual(self.trail.path.stat().st_mode & 0o777, 0o600)

    def test_rotation(self):
        self.call("Stats", manage_pb2.StatsRequest())
        old = self.trail.path.with_suffix(".1")
        self.trail.path.rename(old)
        self.server.reload()
        ks.poll(self.trail.path.exists, what="a new trail")
        before = old.read_text()
        self.call("Stats", manage_pb2.StatsRequest())
        self.assertEqual(old.read_text(), before)
        self.assertEqual(len([line for line in Trail(self.trail.path).lines()
                              if line["event"]["method"] == PREFIX + "Stats"]), 1)


class NothingOfPatients(Audited):
    """After calls of every kind, also failing ones: who could read the log or the metrics learns
    nothing of a patient."""

    def use_everything(self):
        image = self.images[3]
        with open(image["path"], "rb") as file:
            data = file.read()
        for role in (*ROLES, None):
            for request in (search_pb2.SearchRequest(uid=image["sop_instance_uid"],
                                                     where=SECRET_CONDITION, k=300),
                            search_pb2.SearchRequest(dicom=data, name=image["path"]),
                            search_pb2.SearchRequest(dicom=data[:900], name=image["path"]),
                            search_pb2.SearchRequest(uid="2.25.404404404"),
                            search_pb2.SearchRequest(uid=image["patient_id"],
                                                     where=SECRET_CONDITION + " and (")):
                self.call("Search", request, role)
            for name in ("sop_instance_uid", "patient_id", "study_instance_uid"):
                self.call("Get", manage_pb2.GetRequest(uid=image[name]), role)
            self.call("Thumbnail", manage_pb2.ThumbnailRequest(
                sop_instance_uid=image["sop_instance_uid"], frame=900), role)
            self.call("SetOutcome", manage_pb2.SetOutcomeRequest(
                uid=image["patient_id"], outcome="a secret outcome"), role)
            streams = (ks.requests_of_file(image["path"], data, {"patient_id": "SECRET-1"}),
                       ks.requests_of_file("SECRET-name.dcm", data[:700],
                                           {"patient_id": "SECRET-2"}))
            self.call("Ingest", (r for s in streams for r in s), role)
            self.call("Stats", manage_pb2.StatsRequest(values_of=["patient_id"]), role)
            self.call("Reindex", manage_pb2.ReindexRequest(), role)
        for image in self.images[::30]:
            self.call("Delete", manage_pb2.DeleteRequest(uid=image["sop_instance_uid"]))
        health_pb2_grpc.HealthStub(self.server.channel()).Check(
            health_pb2.HealthCheckRequest(), timeout=20)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}{path}",
                                    timeout=20) as answer:
            return answer.read().decode()

    def secrets(self):
        """Everything of the archive that says who or what."""
        words = {SECRET_CONDITION, "SECRET", "secret outcome", "2.25.404404404", *TOKENS.values()}
        for image in self.images:
            for name in ("sop_instance_uid", "series_instance_uid", "study_instance_uid",
                         "patient_id", "path", "file_digest", "content_digest"):
                words.add(image[name])
            words.update((image["labels"].get("diagnosis", ""),
                          image["labels"].get("accession_number", "")))
        return words - {"", "normal", "benign"}

    def test_log_and_metrics(self):
        self.use_everything()
        metrics = self.get("/metrics")
        self.server.stop()
        log = self.server.log()
        self.assertGreater(len(log.splitlines()), 2)
        for word in self.secrets():
            self.assertNotIn(word, log)
            self.assertNotIn(word, metrics)
        # and both say what they are for
        self.assertRegex(metrics, r'kindred_calls_total\{[^}]*Search"[^}]*\} [1-9]')
        self.assertIn('code="UNAUTHENTICATED"', metrics)
        self.assertRegex(metrics, r"kindred_archive_images \d+")

    def test_metrics_count_the_calls(self):
        for _ in range(7):
            self.call("Stats", manage_pb2.StatsRequest())
        self.call("Get", manage_pb2.GetRequest(uid="2.25.404"))
        metrics = self.get("/metrics")
        counted = {(m["method"], m["code"]): int(float(m["n"])) for m in (
            match.groupdict() for match in re.finditer(
                r'kindred_calls_total\{method="(?P<method>[^"]*)",code="(?P<code>[^"]*)"\} '
                r'(?P<n>\S+)', metrics))}
        self.assertEqual(counted[PREFIX + "Stats", "OK"], 7)
        self.assertEqual(counted[PREFIX + "Get", "NOT_FOUND"], 1)
        self.assertEqual(int(re.search(r"kindred_archive_images (\d+)", metrics)[1]),
                         len(self.images))

    def test_pages(self):
        self.assertEqual(self.get("/livez"), "alive\n")
        ks.poll(lambda: self.get("/readyz") == "ready\n", what="readiness")
        for path in ("/", "/etc/passwd", "/metrics/x", "/../x"):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.get(path)
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()


if __name__ == "__main__":
    ks.main()
