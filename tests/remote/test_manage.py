"""Get, Thumbnail, Delete, SetOutcome, Stats, Reindex and Backup, measured by the command line."""

import fcntl
import math
import threading

import kindred_server as ks
from kindred_server import LEVELS, Server, kindred_json, manage_pb2, search_pb2

import grpc

NOT_FOUND = grpc.StatusCode.NOT_FOUND
INVALID = grpc.StatusCode.INVALID_ARGUMENT
KEEP, LEARN = manage_pb2.REINDEX_MODEL_KEEP, manage_pb2.REINDEX_MODEL_LEARN


class Serving(ks.RemoteCase):
    """A server over an archive that no test changes, for all tests of a class."""

    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.images = ks.exported(cls.archive)
        cls.server = cls.folder.enter_context(Server(cls.archive))
        cls.stub = cls.server.stub()

    def call(self, method, request):
        return getattr(self.stub, method)(request, timeout=ks.CALL_SECONDS)


class Looking(Serving):
    def test_get_at_every_level_is_show(self):
        for image in self.images[::17]:
            for name in ("sop_instance_uid", "series_instance_uid", "study_instance_uid",
                         "patient_id"):
                with self.subTest(level=name, image=image["path"]):
                    shown = kindred_json("show", image[name], archive=self.archive)
                    response = self.call("Get", manage_pb2.GetRequest(uid=image[name]))
                    level = "image" if shown["level"] == "instance" else shown["level"]
                    self.assertEqual(response.level, LEVELS[level])
                    self.assertEqual([ks.image_json(i) for i in response.images],
                                     shown["images"])
                    self.assertFalse(response.truncated)
                    self.assertEqual((len(response.embeddings), response.model), (0, ""))

    def test_get_no_more_than_wanted(self):
        patient = max({i["patient_id"] for i in self.images},
                      key=lambda p: sum(i["patient_id"] == p for i in self.images))
        whole = self.call("Get", manage_pb2.GetRequest(uid=patient)).images
        for limit in (1, len(whole) - 1, len(whole), len(whole) + 1):
            response = self.call("Get", manage_pb2.GetRequest(uid=patient, limit=limit))
            self.assertEqual(list(response.images), list(whole)[:limit])
            self.assertEqual(response.truncated, limit < len(whole))

    def test_embeddings_are_the_models_unit_vectors(self):
        stats = self.call("Stats", manage_pb2.StatsRequest())
        response = self.call("Get", manage_pb2.GetRequest(uid=self.images[0]["patient_id"],
                                                          include_embeddings=True))
        self.assertEqual(response.model, stats.model.id)
        self.assertEqual(len(response.embeddings), len(response.images))
        for embedding in response.embeddings:
            self.assertEqual(len(embedding.values), stats.model.dim)
            self.assertAlmostEqual(math.hypot(*embedding.values), 1, places=4)
        # inner products are the scores that Search gives
        first = response.images[0]
        found = self.call("Search", search_pb2.SearchRequest(
            uid=first.sop_instance_uid, frame=first.frame, k=len(self.images), exact=True))
        scores = {r.image.id: r.score for r in found.results}
        for image, embedding in zip(list(response.images)[1:], response.embeddings[1:]):
            product = sum(a * b for a, b in zip(response.embeddings[0].values, embedding.values))
            self.assertAlmostEqual(scores[image.id], product, places=4)

    def test_nothing_of_that_name(self):
        for uid in ("2.25.1", "no such patient", "é\U0001F600", "x" * 3000):
            self.assert_status(NOT_FOUND, uid[:100], lambda uid=uid: self.call(
                "Get", manage_pb2.GetRequest(uid=uid)))
            self.assert_status(NOT_FOUND, uid[:100], lambda uid=uid: self.call(
                "Thumbnail", manage_pb2.ThumbnailRequest(sop_instance_uid=uid)))

    def test_an_empty_name_is_no_name(self):
        """Least of all that of the images whose patient is not known."""
        for method, request in (("Get", manage_pb2.GetRequest()),
                                ("Delete", manage_pb2.DeleteRequest()),
                                ("Thumbnail", manage_pb2.ThumbnailRequest()),
                                ("SetOutcome", manage_pb2.SetOutcomeRequest(outcome="well"))):
            with self.assertRaises(grpc.RpcError) as refused:
                self.call(method, request)
            self.assertIn(refused.exception.code(), (INVALID, NOT_FOUND))
        self.assertEqual(len(ks.exported(self.archive)), len(self.images))

    # --- thumbnails ---

    def thumbnail(self, image, max_side=0):
        return self.call("Thumbnail", manage_pb2.ThumbnailRequest(
            sop_instance_uid=image["sop_instance_uid"], frame=image["frame"], max_side=max_side))

    def test_thumbnails_are_pictures_within_their_bound(self):
        for image in self.images[::13]:
            for side in (0, 1, 50, 128, 256):
                with self.subTest(image=image["path"], side=side):
                    small = self.thumbnail(image, side)
                    width, height, channels, rows = ks.decode_png(small.png)
                    self.assertEqual((small.width, small.height), (width, height))
                    self.assertLessEqual(max(width, height), side or 128)
                    bound = min(side or 128, max(image["width"], image["height"]))
                    self.assertEqual(max(width, height), bound)
                    ratio = width / height - image["width"] / image["height"]
                    self.assertLess(abs(ratio), 0.05 if side >= 50 or side == 0 else 1)
                    self.assertEqual(channels, 3 if image["modality"] == "SM" else 1)
                    self.assertEqual(len(rows), height)

    def test_thumbnails_show_the_image(self):
        """Not a black square: and the search finds the image by its own thumbnail."""
        hits = 0
        images = [i for i in self.images if i["modality"] == "MR"][::4]
        for image in images:
            small = self.thumbnail(image, 256)
            rows = b"".join(ks.decode_png(small.png)[3])
            self.assertGreater(max(rows) - min(rows), 100, image["path"])
            found = self.call("Search", search_pb2.SearchRequest(image=small.png, k=3))
            hits += image["sop_instance_uid"] in [r.image.sop_instance_uid for r in found.results]
        self.assertGreater(hits, len(images) * 0.7)

    def test_a_frame_that_is_not_there(self):
        uid = self.images[0]["sop_instance_uid"]
        self.assert_status(NOT_FOUND, uid, lambda: self.call(
            "Thumbnail", manage_pb2.ThumbnailRequest(sop_instance_uid=uid, frame=4000000000)))

    def test_a_thumbnail_larger_than_there_are(self):
        self.assert_status(INVALID, "max_side", lambda: self.thumbnail(self.images[0], 257))

    # --- stats ---

    def test_stats_are_the_command_lines(self):
        names = ["modality", "diagnosis", "no such name", "patient_id"]
        response = self.call("Stats", manage_pb2.StatsRequest(values_of=names))
        expected = kindred_json("stats", archive=self.archive)
        counted = {name: expected.pop(name) for name in ("modality", "diagnosis")}
        self.assertEqual(expected["model"]["codec"], "fp32")
        self.assert_near(ks.stats_json(response), expected)
        self.assertRegex(response.version, r"^\d+\.\d+\.\d+$")
        self.assertEqual([v.name for v in response.values], names)
        got = {v.name: {c.value: c.images for c in v.values} for v in response.values}
        self.assertEqual(got["modality"], counted["modality"])
        self.assertEqual(got["diagnosis"], counted["diagnosis"])
        self.assertEqual(got["no such name"], {})
        self.assertEqual(got["patient_id"], kindred_json("stats", "--values", "patient_id",
                                                         archive=self.archive))
        self.assertFalse(any(v.truncated for v in response.values))

    def test_too_many_names(self):
        self.assert_status(INVALID, "values_of", lambda: self.call(
            "Stats", manage_pb2.StatsRequest(values_of=["modality"] * 17)))


class Changing(ks.RemoteCase):
    """Each test has an archive of its own."""

    @classmethod
    def setUpClass(cls):
        cls.class_folder = ks.Folder()
        cls.addClassCleanup(cls.class_folder.close)
        cls.original = ks.samples_archive(cls.class_folder.path)

    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        self.archive = ks.copy_archive(self.original, self.folder.path / "archive")
        self.backups = self.folder.path / "backups"
        self.backups.mkdir()
        self.server = self.folder.enter_context(
            Server(self.archive, archive__backups=self.backups))
        self.stub = self.server.stub()
        self.images = ks.exported(self.archive)

    def call(self, method, request):
        return getattr(self.stub, method)(request, timeout=ks.CALL_SECONDS)

    # --- Delete ---

    def test_what_is_deleted_never_appears_again(self):
        gone = set()
        for name, image in (("sop_instance_uid", self.images[0]),
                            ("series_instance_uid", self.images[40]),
                            ("study_instance_uid", self.images[90]),
                            ("patient_id", self.images[150])):
            members = {i["id"] for i in self.images if i[name] == image[name]} - gone
            response = self.call("Delete", manage_pb2.DeleteRequest(uid=image[name]))
            self.assertEqual(response.images, len(members))
            gone |= members
            self.assert_status(NOT_FOUND, image[name], lambda u=image[name]: self.call(
                "Delete", manage_pb2.DeleteRequest(uid=u)))
        left = {i["id"] for i in ks.exported(self.archive)}
        self.assertEqual(left, {i["id"] for i in self.images} - gone)
        query = next(i for i in self.images if i["id"] not in gone)
        found = self.call("Search", search_pb2.SearchRequest(uid=query["sop_instance_uid"],
                                                             frame=query["frame"], k=1000))
        self.assertEqual({r.image.id for r in found.results}, left - {query["id"]})
        self.assertEqual(kindred_json("verify", archive=self.archive)["faults"], [])

    # --- SetOutcome ---

    def test_outcomes_reach_their_images_and_conditions(self):
        image = self.images[10]
        patient = [i for i in self.images if i["patient_id"] == image["patient_id"]]
        response = self.call("SetOutcome", manage_pb2.SetOutcomeRequest(
            uid=image["patient_id"], outcome="a new drug's success"))
        self.assertEqual((response.changed, response.images, response.level),
                         (len(patient), len(patient), LEVELS["patient"]))
        shown = kindred_json("show", image["patient_id"], archive=self.archive)["images"]
        self.assertEqual({i["outcome"] for i in shown}, {"a new drug's success"})
        query = next(i for i in self.images if i["patient_id"] != image["patient_id"])
        found = self.call("Search", search_pb2.SearchRequest(
            uid=query["sop_instance_uid"], k=1000, where="outcome = \"a new drug's success\""))
        self.assertEqual({r.image.id for r in found.results}, {i["id"] for i in patient})
        again = self.call("SetOutcome", manage_pb2.SetOutcomeRequest(
            uid=image["patient_id"], outcome="a new drug's success"))
        self.assertEqual((again.changed, again.images), (0, len(patient)))
        # one image of them, and away again
        one = self.call("SetOutcome", manage_pb2.SetOutcomeRequest(uid=image["sop_instance_uid"]))
        frames = [i for i in patient if i["sop_instance_uid"] == image["sop_instance_uid"]]
        self.assertEqual((one.changed, one.level), (len(frames), LEVELS["image"]))
        shown = kindred_json("show", image["sop_instance_uid"], archive=self.archive)["images"]
        self.assertEqual({i["outcome"] for i in shown}, {""})
        self.assertEqual(kindred_json("verify", archive=self.archive)["faults"], [])

    def test_an_outcome_of_nobody(self):
        self.assert_status(NOT_FOUND, "nobody", lambda: self.call(
            "SetOutcome", manage_pb2.SetOutcomeRequest(uid="nobody", outcome="well")))

    # --- Reindex ---

    def reindex(self, **options):
        return list(self.stub.Reindex(manage_pb2.ReindexRequest(**options),
                                      timeout=ks.CALL_SECONDS))

    def assert_events(self, events):
        """Progress and one forecast, which the report repeats; the report is last."""
        report = events[-1].report
        self.assertEqual(events[-1].WhichOneof("event"), "report")
        forecasts = [e.forecast for e in events if e.WhichOneof("event") == "forecast"]
        self.assertEqual(len(forecasts), 1)
        self.assertEqual(forecasts[0].peak_bytes, report.forecast_bytes)
        self.assertIn(forecasts[0].index_kind, ("flat", "hnsw", "ivfpq"))
        if not report.below_bound:
            self.assertEqual(forecasts[0].index_kind, report.index_kind)
        for event in events[:-1]:
            if event.WhichOneof("event") != "forecast":
                self.assertEqual(event.WhichOneof("event"), "progress")
                self.assertNotEqual(event.progress.stage, "")
                self.assertTrue(0 <= event.progress.done <= 1, event.progress.done)

    def test_reindex_tells_its_progress_and_reports(self):
        before = self.call("Stats", manage_pb2.StatsRequest())
        for kind, keep in (("flat", True), ("hnsw", False), ("auto", False), ("", True)):
            with self.subTest(kind=kind, keep=keep):
                events = self.reindex(index_kind=kind, model=KEEP if keep else LEARN,
                                      check_queries=50)
                report = events[-1].report
                self.assert_events(events)
                self.assertEqual(report.images, len(self.images))
                self.assertEqual(report.recall_queries, 50)
                self.assertEqual(report.recall_bound, 0.95)
                self.assertGreater(report.forecast_bytes, 0)
                self.assertGreaterEqual(report.seconds, report.build_seconds + report.tune_seconds
                                        + report.swap_seconds)
                self.assertGreaterEqual(report.recall_at_10, 0.95)
                self.assertFalse(report.below_bound)
                if kind in ("flat", "hnsw"):
                    self.assertEqual(report.index_kind, kind)
                after = self.call("Stats", manage_pb2.StatsRequest())
                self.assertEqual(after.generation.number, report.generation)
                self.assertEqual(after.generation.tunings, report.tunings)
                self.assertEqual(after.generation.recall_at_10, report.recall_at_10)
                self.assertEqual([t.target for t in report.tunings],
                                 sorted(t.target for t in report.tunings))
                for tuning in report.tunings:
                    self.assertGreaterEqual(tuning.recall, tuning.target)
                    self.assertGreater(tuning.candidates, 0)
                self.assertGreater(report.generation, before.generation.number)
                self.assertEqual(after.model.id, report.model)
                if keep:
                    self.assertEqual(after.model.id, before.model.id)
                expected = kindred_json("stats", archive=self.archive)
                self.assertEqual(expected["generation"]["number"], report.generation)
                before = after

    def test_the_second_extends_and_learning_is_judged_or_asked_for(self):
        first = self.reindex(index_kind="hnsw", rebuild=True)[-1].report
        self.assertFalse(first.extended)
        self.call("Delete", manage_pb2.DeleteRequest(uid=self.images[3]["sop_instance_uid"]))
        for model in (manage_pb2.REINDEX_MODEL_UNSPECIFIED, manage_pb2.REINDEX_MODEL_JUDGE, KEEP):
            events = self.reindex(index_kind="hnsw", model=model)
            self.assert_events(events)
            report = events[-1].report
            self.assertTrue(report.extended)
            self.assertFalse(report.learnt)
            self.assertFalse(report.drift.learn or report.drift.retrain)
            self.assertEqual(report.model, first.model)
        self.assertFalse(self.reindex(index_kind="hnsw", rebuild=True)[-1].report.extended)
        learnt = self.reindex(index_kind="hnsw", model=LEARN)[-1].report  # of an image less
        self.assertTrue(learnt.learnt)
        self.assertFalse(learnt.extended)
        self.assertNotEqual(learnt.model, first.model)

    def test_the_command_line_reports_alike(self):
        """Two reindexes of one archive differ in times and measurements alone."""
        self.reindex(index_kind="hnsw")
        there = ks.report_json(self.reindex(index_kind="hnsw")[-1].report)
        here = kindred_json("reindex", "--index", "hnsw", archive=self.archive)
        self.assertEqual(here["generation"], there["generation"] + 1)
        for report in (here, there):
            self.assertEqual(len(report["tunings"]), len(there["tunings"]))
            for tuning in report["tunings"]:
                self.assertGreater(tuning.pop("microseconds"), 0)
            for name in ("generation", "peak_bytes", "build_seconds", "tune_seconds",
                         "swap_seconds", "seconds"):
                self.assertGreaterEqual(report.pop(name), 0)
        self.assert_near(there, here)

    def test_memory_that_does_not_suffice(self):
        before = self.call("Stats", manage_pb2.StatsRequest()).generation
        self.assert_status(grpc.StatusCode.RESOURCE_EXHAUSTED, "may be used", lambda: self.reindex(
            index_kind="hnsw", rebuild=True, memory_max=1000))
        self.assertEqual(self.call("Stats", manage_pb2.StatsRequest()).generation, before)
        self.assert_events(self.reindex(index_kind="hnsw", memory_max=1 << 34))

    def test_a_recall_that_cannot_be_met_serves_exactly(self):
        events = self.reindex(index_kind="hnsw", recall_bound=1.0, model=KEEP)
        self.assert_events(events)
        report = events[-1].report
        self.assertEqual(report.recall_bound, 1)
        if report.below_bound:
            self.assertLess(report.recall_at_10, 1.0)
            self.assertEqual(report.index_kind, "flat")

    def test_options_that_make_no_sense(self):
        for field, value in (("index_kind", "no such kind"), ("recall_bound", 1.5),
                             ("recall_bound", -0.1), ("recall_bound", math.nan),
                             ("recall_bound", math.inf), ("model", 4), ("model", -1),
                             ("threads", 4000000000), ("check_queries", 4000000000)):
            with self.subTest(field=field, value=value):
                details = self.assert_status(INVALID, field,
                                             lambda f=field, v=value: self.reindex(**{f: v}))
                self.assertTrue(details.startswith(field), details)

    def test_two_at_once_is_one_too_many(self):
        """A reindex by another process holds the archive's lock; this one says so at once."""
        with open(self.archive / "reindex.lock", "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assert_status(grpc.StatusCode.ABORTED, "", self.reindex)
        self.assertEqual(self.reindex()[-1].WhichOneof("event"), "report")

    # --- Backup ---

    def test_a_backup_is_an_archive_of_its_own(self):
        response = self.call("Backup", ks.manage_pb2.BackupRequest(name="copy-1.a_b"))
        copy = self.backups / "copy-1.a_b"
        self.assertEqual(response.images, len(self.images))
        stats = kindred_json("stats", archive=copy)
        self.assertEqual(response.bytes, sum(stats["bytes"].values()))
        self.assertEqual(kindred_json("verify", archive=copy)["faults"], [])
        self.assertEqual(ks.exported(copy), ks.exported(self.archive))
        uid = self.images[5]["sop_instance_uid"]
        mine, theirs = (kindred_json("search", "--uid", uid, archive=a)["results"]
                        for a in (self.archive, copy))
        self.assertEqual(mine, theirs)
        self.assert_status(grpc.StatusCode.ALREADY_EXISTS, "name", lambda: self.call(
            "Backup", ks.manage_pb2.BackupRequest(name="copy-1.a_b")))

    def test_names_that_lead_elsewhere(self):
        for name in ("", ".", "..", "../x", "a/b", "/tmp/x", ".hidden", "a b", "é", "x" * 101):
            with self.subTest(name=name):
                self.assert_status(INVALID, "name", lambda n=name: self.call(
                    "Backup", ks.manage_pb2.BackupRequest(name=n)))
        self.assertEqual(list(self.backups.iterdir()), [])

    def test_a_backup_while_others_write(self):
        stop = threading.Event()
        failures = []

        def write():
            number = 0
            while not stop.is_set():
                data = ks.png(32, 32, lambda x, y, n=number: (x * n + y * 3) % 256)
                try:
                    self.stub.Ingest(ks.requests_of_file(f"w{number}.png", data),
                                     timeout=ks.CALL_SECONDS)
                except grpc.RpcError as failure:
                    failures.append(failure.details())
                number += 1
        writer = threading.Thread(target=write)
        writer.start()
        try:
            for number in range(5):
                self.call("Backup", ks.manage_pb2.BackupRequest(name=f"b{number}"))
        finally:
            stop.set()
            writer.join()
        self.assertEqual(failures, [])
        for number in range(5):
            copy = self.backups / f"b{number}"
            self.assertEqual(kindred_json("verify", archive=copy)["faults"], [])


class WithoutBackups(Serving):
    def test_no_folder_no_backup(self):
        self.assert_status(grpc.StatusCode.FAILED_PRECONDITION, "backup", lambda: self.call(
            "Backup", ks.manage_pb2.BackupRequest(name="x")))


class Cancelling(ks.RemoteCase):
    """Reindexes long enough to be stopped: over real images."""

    LONG = manage_pb2.ReindexRequest(index_kind="hnsw", model=LEARN, rebuild=True)

    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.brain_archive(cls.folder.path, min(ks.SHARE, 3))
        cls.server = cls.folder.enter_context(Server(cls.archive))
        cls.stub = cls.server.stub()

    def generation(self):
        return self.stub.Stats(manage_pb2.StatsRequest(),
                               timeout=ks.CALL_SECONDS).generation.number

    def assert_free_again(self, before):
        """The old generation serves, and soon another reindex may begin."""
        def finished():
            try:
                return list(self.stub.Reindex(manage_pb2.ReindexRequest(model=KEEP),
                                              timeout=ks.CALL_SECONDS))
            except grpc.RpcError as failure:
                self.assertEqual(failure.code(), grpc.StatusCode.ABORTED, failure.details())
                return None
        self.assertEqual(self.generation(), before)
        events = ks.poll(finished, what="the end of a cancelled reindex")
        self.assertEqual(self.generation(), events[-1].report.generation)

    def test_a_cancelled_reindex_stops(self):
        before = self.generation()
        call = self.stub.Reindex(self.LONG, timeout=ks.CALL_SECONDS)
        next(call)  # it has begun
        call.cancel()
        with self.assertRaises(grpc.RpcError):
            list(call)
        self.assert_free_again(before)

    def test_a_deadline_stops_a_reindex(self):
        before = self.generation()
        self.assert_status(grpc.StatusCode.DEADLINE_EXCEEDED, "", lambda: self.stub.Reindex(
            self.LONG, timeout=0.15))
        self.assert_free_again(before)

    def test_searches_go_on_meanwhile(self):
        uid = ks.exported(self.archive)[7]["sop_instance_uid"]
        request = search_pb2.SearchRequest(uid=uid, k=5, exact=True)
        answers = 0
        call = self.stub.Reindex(manage_pb2.ReindexRequest(model=KEEP),
                                 timeout=ks.CALL_SECONDS)
        expected = self.stub.Search(request, timeout=ks.CALL_SECONDS)
        events = []
        follower = threading.Thread(target=lambda: events.extend(call))
        follower.start()
        while follower.is_alive():
            response = self.stub.Search(request, timeout=ks.CALL_SECONDS)
            self.assertEqual(response.results, expected.results)
            answers += 1
        follower.join()
        self.assertEqual(events[-1].WhichOneof("event"), "report")
        self.assertGreater(answers, 0)


if __name__ == "__main__":
    ks.main()
