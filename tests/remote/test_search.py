"""Search and SearchMany: every kind of query gives what the command line gives, field by field."""

import math
import random

import kindred_server as ks
from kindred_server import LEVELS, Server, image_pb2, kindred_json, search_pb2

import grpc

CONDITIONS = (
    "modality = MR",
    "modality = MR and diagnosis in (glioma, meningioma)",
    "diagnosis != normal and not (modality in (CT, SM))",
    "study_date >= 2019-06 and lesion_mm > 12.5",
    "outcome = remission or event = 1",
    "diagnosis = 'no such thing'",
    "body_part = CHEST and treatment = resection",
)


class SearchesOf:
    """What holds for any archive; subclasses say how it is made."""

    K = 12

    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = cls.make_archive(cls.folder.path)
        cls.server = cls.folder.enter_context(Server(cls.archive))
        cls.stub = cls.server.stub()
        cls.images = ks.exported(cls.archive)
        cls.some = random.Random(7).sample(cls.images, min(len(cls.images), cls.SOME))

    def search(self, **request):
        request.setdefault("k", self.K)
        return self.stub.Search(search_pb2.SearchRequest(explain=True, **request),
                                timeout=ks.CALL_SECONDS)

    def expected(self, *arguments):
        return kindred_json("search", "-k", self.K, *arguments, archive=self.archive)

    def test_by_uid(self):
        for image in self.some:
            with self.subTest(image=image["path"], frame=image["frame"]):
                uid, frame = image["sop_instance_uid"], image["frame"]
                self.assert_same_search(self.search(uid=uid, frame=frame),
                                        self.expected("--uid", uid, "--frame", frame))

    def test_by_file(self):
        for image in self.some:
            with self.subTest(image=image["path"], frame=image["frame"]):
                with open(image["path"], "rb") as file:
                    data = file.read()
                kind = "dicom" if image["labels"]["format"] == "dicom" else "image"
                response = self.search(**{kind: data}, name=image["path"], frame=image["frame"])
                self.assert_same_search(
                    response, self.expected(image["path"], "--frame", image["frame"]))

    def test_folded_and_among_strangers(self):
        for image in self.some[:6]:
            for level, number in LEVELS.items():
                for stranger in (False, True) if image["patient_id"] else (False,):
                    with self.subTest(image=image["path"], by=level, stranger=stranger):
                        uid = image["sop_instance_uid"]
                        options = ["--not-same-patient"] if stranger else []
                        response = self.search(uid=uid, by=number, not_same_patient=stranger)
                        self.assert_same_search(
                            response, self.expected("--uid", uid, "--by", level, *options))
                        if stranger:
                            self.assertNotIn(image["patient_id"],
                                             {r.image.patient_id for r in response.results})

    def test_by_vector(self):
        """An image's own embedding finds the image first, then what its UID finds."""
        for image in self.some[:8]:
            uid, frame = image["sop_instance_uid"], image["frame"]
            got = self.stub.Get(ks.manage_pb2.GetRequest(uid=uid, include_embeddings=True),
                                timeout=ks.CALL_SECONDS)
            at = [i.frame for i in got.images].index(frame)
            vector = search_pb2.Vector(values=got.embeddings[at].values, model=got.model)
            response = self.search(vector=vector, name="numbers", exact=True)
            self.assertAlmostEqual(response.results[0].score, 1, places=5)
            self.assertEqual(response.query.name, "numbers")
            self.assertFalse(response.query.stored)
            by_uid = self.search(uid=uid, frame=frame, exact=True, k=self.K - 1)
            others = [r for r in response.results if r.image.id != image["id"]]
            self.assert_alike(others[:self.K - 1], by_uid.results)  # it may have equals

    def assert_alike(self, one, other):
        """The same images, but for those that share the last place, with the same scores."""
        self.assertEqual(len(one), len(other))
        for mine, theirs in zip(one, other):
            self.assertAlmostEqual(mine.score, theirs.score, places=4)
        last = other[-1].score + 1e-4
        self.assertEqual({r.image.id for r in one if r.score > last},
                         {r.image.id for r in other if r.score > last})


class Samples(SearchesOf, ks.RemoteCase):
    SOME = 24

    @staticmethod
    def make_archive(folder):
        return ks.samples_archive(folder)

    def test_conditions(self):
        for condition in CONDITIONS:
            for image in self.some[:3]:
                with self.subTest(where=condition, image=image["path"]):
                    uid = image["sop_instance_uid"]
                    self.assert_same_search(
                        self.search(uid=uid, where=condition),
                        self.expected("--uid", uid, "--where", condition))

    def test_exact_recalls_and_ways(self):
        uid = self.some[0]["sop_instance_uid"]
        exact = self.search(uid=uid, exact=True)
        self.assertTrue(exact.exact)
        self.assertEqual(exact.plan.recall, 1)
        self.assert_same_search(exact, self.expected("--uid", uid, "--exact"))
        self.assertEqual(self.search(uid=uid, recall=1).results, exact.results)
        for recall in (0.001, 0.5, 0.9, 0.999, 1):
            response = self.search(uid=uid, recall=recall)
            self.assertEqual(response.plan.recall, recall)
            self.assert_same_search(response, self.expected("--uid", uid, "--recall", recall))
        self.assertEqual(self.search(uid=uid).plan.recall, 0.99)
        for way in ("scan", "two-stage scan"):
            response = self.search(uid=uid, way=way)
            self.assertEqual(response.plan.method, way)
            self.assert_same_search(response, self.expected("--uid", uid, "--way", way))

    def test_a_series_a_study_and_a_patient_stand_for_their_first_image(self):
        for name in ("series_instance_uid", "study_instance_uid", "patient_id"):
            uid = self.some[1][name]
            self.assert_same_search(self.search(uid=uid), self.expected("--uid", uid))

    def test_default_is_ten_results_without_a_plan(self):
        request = search_pb2.SearchRequest(uid=self.some[0]["sop_instance_uid"])
        response = self.stub.Search(request, timeout=ks.CALL_SECONDS)
        self.assertEqual(len(response.results), 10)
        self.assertEqual([r.rank for r in response.results], list(range(1, 11)))
        self.assertTrue(response.complete)
        self.assertFalse(response.HasField("plan"))

    def test_results_hold_the_whole_image(self):
        """Also what `search --json` does not print."""
        shown = {(i["sop_instance_uid"], i["frame"]): i for i in self.images}
        response = self.search(uid=self.some[2]["sop_instance_uid"], k=50)
        self.assertEqual(len(response.results), 50)
        for result in response.results:
            image = ks.image_json(result.image)
            self.assertEqual(image, shown[image["sop_instance_uid"], image["frame"]])
            self.assertEqual([label.name for label in result.image.labels],
                             sorted(image["labels"]))

    def test_more_than_there_are(self):
        response = self.search(uid=self.some[0]["sop_instance_uid"], k=9999)
        self.assertEqual(len(response.results), len(self.images) - 1)
        self.assertTrue(response.complete)

    def test_the_plan_tells_what_was_done(self):
        query = self.some[0]
        plan = self.search(uid=query["sop_instance_uid"], frame=query["frame"],
                           where="modality = MR").plan
        self.assertEqual(plan.live, len(self.images))
        others = [i for i in self.images if i["id"] != query["id"]]
        self.assertEqual(plan.members, sum(image["modality"] == "MR" for image in others))
        self.assertGreater(plan.milliseconds, 0)
        self.assertGreater(plan.scored + plan.scanned, 0)
        self.assertGreaterEqual(plan.milliseconds,
                                plan.ranking_milliseconds + plan.members_milliseconds)
        ways = [one.method for one in plan.considered]
        self.assertEqual(len(ways), 5)
        self.assertIn(plan.method, ways)
        self.assertGreaterEqual(plan.considered[ways.index(plan.method)].milliseconds, 0)

    def test_the_servers_own_recall(self):
        """What a search that names none gets; one that names another gets that."""
        uid = self.some[0]["sop_instance_uid"]
        with Server(self.archive, search__recall=1) as server:
            request = search_pb2.SearchRequest(uid=uid, explain=True)
            stub = server.stub()
            response = stub.Search(request, timeout=ks.CALL_SECONDS)
            self.assertTrue(response.exact)
            self.assertEqual(response.plan.recall, 1)
            request.recall = 0.5
            self.assertEqual(stub.Search(request, timeout=ks.CALL_SECONDS).plan.recall, 0.5)

    def test_slips_of_the_pen_are_named(self):
        uid = self.some[0]["sop_instance_uid"]
        response = self.search(uid=uid, where="modalty = MR or diagnosis = glioma or grad > 2")
        self.assertEqual(sorted(response.unknown_names.split(", ")), ["grad", "modalty"])
        self.assertEqual(self.search(uid=uid, where="modality = MR").unknown_names, "")

    def test_the_query_may_name_its_patient(self):
        """A picture that says nothing of its patient; and one that says something else."""
        image = next(i for i in self.images if i["modality"] == "MR")
        with open(image["path"], "rb") as file:
            data = file.read()
        theirs = self.search(dicom=data, not_same_patient=True)
        self.assertNotIn(image["patient_id"], {r.image.patient_id for r in theirs.results})
        other = next(r.image.patient_id for r in theirs.results)
        named = self.search(dicom=data, not_same_patient=True, patient_id=other)
        self.assertEqual(named.query.patient_id, other)
        patients = {r.image.patient_id for r in named.results}
        self.assertNotIn(other, patients)
        self.assertIn(image["patient_id"], patients)

    def test_a_raw_descriptor(self):
        """As many numbers as a descriptor has are taken for one, whatever the model."""
        stats = self.stub.Stats(ks.manage_pb2.StatsRequest(), timeout=ks.CALL_SECONDS)
        numbers = random.Random(3)
        values = [numbers.random() for _ in range(stats.model.descriptor_length)]
        response = self.search(vector=search_pb2.Vector(values=values), exact=True)
        self.assertEqual(len(response.results), self.K)
        scores = [r.score for r in response.results]
        self.assertEqual(scores, sorted(scores, reverse=True))
        self.assertTrue(all(math.isfinite(s) and -1.0001 <= s <= 1.0001 for s in scores))

    # --- regions ---

    @staticmethod
    def shade(x, y):
        return (x * x // 7 + 3 * y + (40 if (x // 9 + y // 5) % 2 else 0)) % 256

    def test_regions_and_masks_as_here(self):
        """Lesions asked about at a server: what the command line answers at the archive itself."""
        whole = ks.png(200, 160, self.shade)
        mask = ks.png(200, 160, lambda x, y: 1 if 33 <= x < 123 and 21 <= y < 91 else 0)
        region = image_pb2.Region(x=33, y=21, width=90, height=70)
        other = image_pb2.Region(x=5, y=100, width=40, height=50)
        by_box = self.search(image=whole, region=[region]).results
        self.assert_alike(by_box, self.search(image=whole, mask=[mask]).results)
        both = self.search(image=whole, region=[region, other]).results
        self.assert_alike(both, self.search(image=whole, region=[other], mask=[mask]).results)
        path = self.folder.path / "lesion.png"
        path.write_bytes(whole)
        for boxes, results in ((("33,21,90,70",), by_box), (("33,21,90,70", "5,100,40,50"), both)):
            arguments = [word for box in boxes for word in ("--roi", box)]
            expected = self.expected(path, *arguments)["results"]
            self.assertEqual([r.image.sop_instance_uid for r in results],
                             [r["sop_instance_uid"] for r in expected])
            for mine, theirs in zip(results, expected):
                self.assertAlmostEqual(mine.score, theirs["score"], places=4)

    def test_a_region_makes_a_difference(self):
        image = next(i for i in self.images if i["modality"] == "CT")
        with open(image["path"], "rb") as file:
            data = file.read()
        part = image_pb2.Region(x=20, y=30, width=80, height=60)
        response = self.search(dicom=data, region=[part])
        self.assertEqual(len(response.results), self.K)
        self.assertLess(response.results[0].score, 0.9999, "the region made no difference")

    # --- streams ---

    def stream_requests(self):
        """Queries of all kinds, every seventh of which fails."""
        for tag in range(140):
            image = self.images[tag * 3 % len(self.images)]
            request = search_pb2.SearchRequest(uid=image["sop_instance_uid"], k=5, explain=True)
            if tag % 7 == 3:
                request.where = "modality ="
            elif tag % 7 == 5:
                request.uid = f"2.25.{tag}"
            yield search_pb2.SearchManyRequest(tag=tag * 1000 + 1, search=request)

    def test_many_are_answered_in_order_and_failures_are_single(self):
        requests = list(self.stream_requests())
        responses = list(self.stub.SearchMany(iter(requests), timeout=ks.CALL_SECONDS))
        self.assertEqual([r.tag for r in responses], [r.tag for r in requests])
        for request, response in zip(requests, responses):
            kind = request.tag // 1000 % 7
            if kind == 3:
                self.assertEqual(response.error.code,
                                 grpc.StatusCode.INVALID_ARGUMENT.value[0])
                self.assertTrue(response.error.message.startswith("where"))
            elif kind == 5:
                self.assertEqual(response.error.code, grpc.StatusCode.NOT_FOUND.value[0])
                self.assertIn(request.search.uid, response.error.message)
            else:
                alone = self.stub.Search(request.search, timeout=ks.CALL_SECONDS)
                self.assert_same_search(response.response, ks.search_json(alone))

    def test_a_stream_answers_each_before_it_asks_for_the_next(self):
        """A client may wait for each answer."""
        answered = []
        for response in self.stub.SearchMany(self.lock_step(answered), timeout=ks.CALL_SECONDS):
            answered.append(response.tag)
        self.assertEqual(answered, [r.tag for r in list(self.stream_requests())[:20]])

    def lock_step(self, answered):
        for number, request in enumerate(list(self.stream_requests())[:20]):
            ks.poll(lambda number=number: len(answered) == number, what="an answer")
            yield request

    def test_an_empty_stream(self):
        self.assertEqual(list(self.stub.SearchMany(iter(()), timeout=ks.CALL_SECONDS)), [])


class BrainMri(SearchesOf, ks.RemoteCase):
    """Real JPEG pictures without UIDs or patients, enough of them for an index."""

    SOME = 20

    @staticmethod
    def make_archive(folder):
        return ks.brain_archive(folder)

    def test_conditions(self):
        for condition in ("diagnosis = glioma", "diagnosis not in (glioma, meningioma)",
                          "diagnosis = pituitary and modality = MR"):
            for image in self.some[:4]:
                uid = image["sop_instance_uid"]
                self.assert_same_search(self.search(uid=uid, where=condition),
                                        self.expected("--uid", uid, "--where", condition))


class RealDicom(SearchesOf, ks.RemoteCase):
    """Real DICOM files of many transfer syntaxes, with several frames some of them."""

    SOME = 30

    @staticmethod
    def make_archive(folder):
        return ks.dicom_archive(folder)


if __name__ == "__main__":
    ks.main()
