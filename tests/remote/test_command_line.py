"""`kindred --remote` says what `kindred` on the archive's folder says, and ends as it ends."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import unittest

import kindred_server as ks
from authority import Authority
from kindred_server import BIN, SAMPLES, Server, exported, kindred, kindred_json
from test_tls import TOKENS, token_rules, write_access

DONE, FAILED, USAGE, UNUSABLE = 0, 1, 2, 3
PATIENT = "SYN-0001"
SOME = sorted(SAMPLES.glob("SYN-000*"))


def run(*arguments, environment=None, **options):
    """Exit code, standard output, standard error."""
    inherited = {name: value for name, value in os.environ.items()
                 if not name.startswith("KINDRED_")}
    result = subprocess.run([BIN / "kindred", *map(str, arguments)], capture_output=True,
                            timeout=600, check=False, env={**inherited, **(environment or {})},
                            **options)
    return (result.returncode, result.stdout.decode(errors="surrogateescape"),
            result.stderr.decode(errors="surrogateescape"))


def words(report):
    """What `reindex` says for people, but for its figures and the table of them."""
    said = re.sub(r"[0-9a-f.]*[0-9][0-9a-f.]*|[KM]iB| B ", "N", report.split("\n\n")[0])
    return re.sub(r" +", " ", said)


class Reading(ks.RemoteCase):
    """Commands that change nothing, of an archive and of the server over it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.server = cls.folder.enter_context(Server(cls.archive))
        cls.images = exported(cls.archive)
        cls.uid = cls.images[7]["sop_instance_uid"]
        cls.file = cls.folder.path / "query.png"
        cls.file.write_bytes(ks.png(60, 40, lambda x, y: (x * 4 + y) % 256))

    def assert_same(self, *arguments, code):
        """Both say the same; the server's name stands where the folder's would."""
        here = run("-a", self.archive, *arguments)
        there = run("--remote", self.server.address, *arguments)
        self.assertEqual(here[0], code, here)
        self.assertEqual(there[0], here[0], there)
        self.assertEqual(there[1], here[1])
        self.assertEqual(there[2].replace(self.server.address, str(self.archive)), here[2])

    def test_show(self):
        for arguments in ((self.uid,), (self.uid, "--json"), (PATIENT,), (PATIENT, "--json"),
                          (PATIENT, "--max", 1), (PATIENT, "--max", 1, "--json"),
                          (self.images[0]["series_instance_uid"],),
                          (self.images[0]["study_instance_uid"], "--json")):
            with self.subTest(arguments=arguments):
                self.assert_same("show", *arguments, code=DONE)
        self.assert_same("show", "nobody", code=FAILED)
        self.assert_same("show", "nobody", "--json", code=FAILED)

    def test_stats(self):
        self.assert_same("stats", code=DONE)
        self.assert_same("stats", "--json", code=DONE)
        self.assert_same("stats", "--values", "modality", code=DONE)
        self.assert_same("stats", "--values", "diagnosis", "--json", code=DONE)
        self.assert_same("stats", "--values", "nothing", code=DONE)

    def test_searches_for_people(self):
        sample = self.images[3]["path"]
        multi = max(self.images, key=lambda image: image["frame"])
        for arguments in (("--uid", self.uid), ("--uid", self.uid, "-k", 3, "--long"),
                          ("--uid", self.uid, "--by", "patient", "--not-same-patient"),
                          ("--uid", self.uid, "--where", "modality in (CT, MR)", "--exact"),
                          ("--uid", self.uid, "--where", "modaliti = CT"),
                          ("--uid", self.uid, "--where", "modality = none"),
                          ("--uid", multi["sop_instance_uid"], "--frame", multi["frame"]),
                          (sample, "-k", 4), (sample, "--by", "series", "--recall", 0.5),
                          (multi["path"], "--frame", multi["frame"]),
                          (self.file,), (self.file, "--roi", "10,5,30,20"),
                          (self.file, "--roi", "1,2,9,9", "--mask", self.file, "--roi", "9,9,9,9")):
            with self.subTest(arguments=arguments):
                self.assert_same("search", *arguments, code=DONE)

    def test_searches_for_machines(self):
        for arguments in (("--uid", self.uid, "-k", 5), (self.images[3]["path"],),
                          ("--uid", self.uid, "--recall", 0.9), ("--uid", self.uid, "--exact"),
                          ("--uid", self.uid, "--way", "two-stage scan", "-k", 30),
                          ("--uid", self.uid, "--where", "modality = none"),
                          (self.file, "--roi", "0,0,20,20", "--by", "study")):
            with self.subTest(arguments=arguments):
                here = kindred_json("search", *arguments, archive=self.archive)
                there = run("--remote", self.server.address, "search", "--json", *arguments)
                self.assertEqual((there[0], there[2]), (DONE, ""))
                got = ks.json.loads(there[1])
                for answer in (here, got):
                    answer["plan"] = ks.without_times(self, answer["plan"])
                self.assertEqual(got, here)

    def test_the_plan(self):
        """The same words here and there: what differs is a time, or padded for one."""
        def explained(*place):
            code, out, err = run(*place, "search", "--uid", self.uid, "--explain")
            self.assertEqual((code, err), (DONE, ""))
            return re.sub(r" +[0-9]+\.[0-9]+(?= ms|$| +taken)", " T", out, flags=re.M)
        there = explained("--remote", self.server.address)
        self.assertEqual(there, explained("-a", self.archive))
        self.assertIn(f"{len(self.images) - 1} of {len(self.images)} images may be answers", there)

    def test_searches_that_fail(self):
        nothing = self.folder.path / "nothing.png"
        nothing.write_bytes(b"")
        broken = self.folder.path / "broken.png"
        broken.write_bytes(self.file.read_bytes()[:60])
        sample = self.images[3]["path"]
        for arguments, code in ((("--uid", "nobody"), FAILED),
                                (("--uid", self.uid, "--frame", 900), FAILED),
                                (("--uid", self.uid, "--where", "modality ="), USAGE),
                                (("--uid", self.uid, "-k", 0), USAGE),
                                (("--uid", self.uid, "--recall", 0), USAGE),
                                (("--uid", self.uid, "--recall", 1.5), USAGE),
                                (("--uid", self.uid, "--way", "shortcut"), USAGE),
                                (("--uid", self.uid, "--way", "widening"), USAGE),
                                ((self.file, "--way", "widening"), USAGE),
                                ((self.folder.path / "absent",), FAILED),
                                ((self.folder.path,), FAILED),
                                ((broken,), FAILED),
                                ((self.file, "--frame", 1), FAILED),
                                ((self.file, "--roi", "50,30,20,20"), USAGE),
                                ((sample, "--mask", self.file), USAGE),
                                ((self.file, "--mask", broken), FAILED),
                                ((self.file, "--mask", self.folder.path / "absent"), FAILED),
                                ((self.file, "--uid", self.uid), USAGE), ((), USAGE)):
            with self.subTest(arguments=arguments):
                self.assert_same("search", *arguments, code=code)
        self.assertEqual(run("--remote", self.server.address, "search", nothing)[0], FAILED)
        self.assertEqual(run("--remote", self.server.address, "search", self.file,
                             "--explain-image", self.folder.path / "why.png")[0], USAGE)
        self.assertEqual(run("--remote", self.server.address, "search", self.file,
                             "--not-same-patient")[0], USAGE)

    def test_a_query_larger_than_the_server_takes(self):
        large = self.folder.path / "large.png"
        large.write_bytes(self.file.read_bytes() + bytes(5 << 20))
        with Server(self.archive, server__message_bytes=1 << 20) as server:
            code, out, err = run("--remote", server.address, "search", large)
        self.assertEqual((code, out), (UNUSABLE, ""))
        self.assertIn(server.address, err)

    def test_words_may_stand_anywhere(self):
        expected = run("-a", self.archive, "show", self.uid)
        remote = self.server.address
        for arguments in (("--remote", remote, "show", self.uid),
                          ("show", "--remote", remote, self.uid),
                          ("show", self.uid, f"--remote={remote}"),
                          ("show", f"--remote={remote}", "--", self.uid)):
            with self.subTest(arguments=arguments):
                self.assertEqual(run(*arguments), expected)
        self.assertEqual(run("show", self.uid, environment={"KINDRED_REMOTE": remote}), expected)
        # An option wins over the environment.
        self.assertEqual(run("show", self.uid, "-a", self.archive,
                             environment={"KINDRED_REMOTE": "127.0.0.1:1"}), expected)
        self.assertEqual(run("--remote", remote, "show", self.uid,
                             environment={"KINDRED_ARCHIVE": "/nowhere"}), expected)

    def test_commands_that_need_the_folder(self):
        copy = self.folder.path / "copy"
        before = sorted(self.folder.path.iterdir())
        for arguments in (("init",), ("verify",), ("backup", copy), ("export",),
                          ("eval", "--manifest", SAMPLES / "manifest.csv"), ("serve",)):
            with self.subTest(command=arguments[0]):
                code, out, err = run("--remote", self.server.address, *arguments,
                                     cwd=self.folder.path)
                self.assertEqual((code, out), (USAGE, ""))
                self.assertIn("not on a server", err)
        code, _, err = run("verify", environment={"KINDRED_REMOTE": self.server.address})
        self.assertEqual(code, USAGE)
        self.assertIn("KINDRED_REMOTE", err)
        self.assertEqual(run("-a", self.archive, "verify",
                             environment={"KINDRED_REMOTE": self.server.address})[0], DONE)
        self.assertEqual(sorted(self.folder.path.iterdir()), before)

    def test_options_that_contradict_each_other(self):
        remote = ("--remote", self.server.address)
        for arguments in ((*remote, "-a", self.archive, "stats"), ("stats", "--tls"),
                          ("stats", "--token-file", self.file), ("--remote", "host", "stats"),
                          ("--remote", "", "stats"), (*remote, "stats", "--tls-cert", self.file),
                          (*remote, "stats", "--tls-ca", self.folder.path / "absent"),
                          (*remote, "stats", "--tls-ca", self.file),
                          (*remote, "ingest", "--timeout", 5, SAMPLES),
                          (*remote, "ingest", "--max-memory", "1G", SAMPLES)):
            with self.subTest(arguments=arguments):
                code, out, err = run(*arguments)
                self.assertEqual((code, out), (USAGE, ""), err)
                self.assertNotEqual(err, "")

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % unused.getsockname()[1]
            for arguments in (("stats",), ("show", "1"), ("search", "--uid", "1"),
                              ("search", self.file), ("delete", "1", "2"), ("reindex",),
                              ("ingest", self.file)):
                with self.subTest(command=arguments[0]):
                    code, _, err = run("--remote", address, *arguments)
                    self.assertEqual(code, UNUSABLE)
                    self.assertIn(address, err)
                    self.assertEqual(err.count("\n"), 1, err)  # gRPC adds nothing of its own


def events(text):
    """What `ingest -v --json` said of each file, and its summary without times."""
    lines = [ks.json.loads(line.replace(" (FIFO)", "")) for line in text.splitlines()]
    summary = {name: value for name, value in lines[-1].items()
               if "seconds" not in name and "second" not in name}
    return sorted(lines[:-1], key=lambda line: line["path"]), summary


def without_moments(images):
    """Order and time are a run's own."""
    return sorted(({name: value for name, value in image.items()
                    if name not in ("id", "ingested")} for image in images),
                  key=lambda image: (image["sop_instance_uid"], image["frame"]))


class Writing(ks.RemoteCase):
    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        self.here, self.there = (self.folder.path / name for name in ("here", "there"))
        kindred("init", archive=self.there)
        self.server = self.folder.enter_context(Server(self.there))

    def both(self, *arguments):
        """The same command on a folder and at the server."""
        return (run("-a", self.here, *arguments), run("--remote", self.server.address, *arguments))

    def ingest_both(self, *arguments, code=DONE):
        here, there = self.both("ingest", "-v", "--json", "--no-reindex", *arguments)
        self.assertEqual((there[0], here[0]), (code, code), there)
        self.assertEqual(sorted(there[2].replace(" (FIFO)", "").splitlines()),
                         sorted(here[2].splitlines()))
        self.assertEqual(events(there[1]), events(here[1]))
        self.assertEqual(without_moments(exported(self.there)),
                         without_moments(exported(self.here)))
        return events(there[1])[1]

    def test_ingest(self):
        copy = self.folder.path / "copy"
        shutil.copytree(SAMPLES, copy)
        manifest = copy / "manifest.csv"
        summary = self.ingest_both(copy, "--manifest", manifest)
        self.assertGreater(summary["stored"], 100)
        self.assertEqual(summary["failed"], 0)
        again = self.ingest_both(copy, "--manifest", manifest, "-j", 2)
        self.assertEqual((again["stored"], again["duplicate"]), (0, summary["stored"]))
        # A word for the same files changes what is known of them.
        manifest.write_text(manifest.read_text().replace("stable", "better"))
        changed = self.ingest_both(copy, "--manifest", manifest)
        self.assertEqual(changed["stored"], 0)
        self.assertGreater(changed["updated"], 0)
        self.assertGreater(changed["duplicate"], 0)

    def test_ingest_of_what_is_no_image(self):
        data = self.folder.path / "data"
        (data / "sub").mkdir(parents=True)
        (data / "good.png").write_bytes(ks.png(50, 40, lambda x, y: (x * y) % 256))
        (data / "cut.png").write_bytes(ks.png(50, 40, lambda x, y: x)[:70])
        (data / "notes.txt").write_text("no image")
        (data / "empty").write_bytes(b"")
        (data / "sub" / "other.png").write_bytes(ks.png(50, 40, lambda x, y: (x + y) % 256))
        os.mkfifo(data / "fifo")
        (data / "loop").symlink_to(data)
        (data / "nothing").symlink_to(data / "absent")
        summary = self.ingest_both(data, data / "also-absent", code=FAILED)
        self.assertGreaterEqual(summary["failed"], 4)

    def test_manifests_may_hold_any_bytes(self):
        data = self.folder.path / "data"
        data.mkdir()
        (data / "one.png").write_bytes(ks.png(50, 40, lambda x, y: (x * y) % 256))
        (data / "manifest.csv").write_bytes(b"path,patient_id,note\none.png,Zo\xEB,caf\xE9\n")
        code, _, err = run("--remote", self.server.address, "ingest", data / "one.png",
                           "--manifest", data / "manifest.csv")
        self.assertEqual((code, err), (DONE, ""))
        (image,) = exported(self.there)
        self.assertEqual((image["patient_id"], image["labels"]["note"]),
                         ("Zo\uFFFD", "caf\uFFFD"))
        (data / "manifest.csv").write_text("path,x\none.png,\"no end\n")
        here, there = self.both("ingest", data, "--manifest", data / "manifest.csv")
        self.assertEqual(there, here)
        self.assertEqual(there[0], FAILED)

    def test_delete(self):
        self.ingest_both(*SOME, "--manifest", SAMPLES / "manifest.csv")
        images = exported(self.here)
        for arguments, code in ((("--json", images[0]["sop_instance_uid"], "SYN-0003"), DONE),
                                ((images[20]["series_instance_uid"], "nobody", "SYN-0005"), FAILED),
                                (("SYN-0005",), FAILED), (("--json", "nobody"), FAILED),
                                ((), USAGE)):
            with self.subTest(arguments=arguments):
                here, there = self.both("delete", *arguments)
                self.assertEqual(there, here)
                self.assertEqual(there[0], code)
        self.assertEqual(without_moments(exported(self.there)),
                         without_moments(exported(self.here)))
        self.assertLess(len(exported(self.there)), len(images))

    def test_reindex(self):
        self.ingest_both(*SOME)
        for arguments in (("--json",), ("--json", "--keep-model", "--index", "hnsw"),
                          ("--json", "--index", "hnsw"), ("--json", "--index", "hnsw", "--rebuild"),
                          ("--json", "--learn"), ("--json", "--memory", "2G"),
                          ("--json", "--check", 10, "--jobs", 1)):
            with self.subTest(arguments=arguments):
                here, there = (ks.json.loads(answer[1])
                               for answer in self.both("reindex", *arguments))
                self.assertEqual(self.settled(there), self.settled(here))
        here, there = self.both("reindex")
        self.assertEqual((there[0], there[2]), (DONE, ""))
        self.assertRegex(there[1], "reindexed [0-9]+ images in .* generation 8 ")
        self.assertEqual(words(there[1]), words(here[1]))
        for arguments, code in ((("--index", "other"), USAGE), (("--learn", "--keep-model"), USAGE),
                                (("--memory", "some"), USAGE)):
            self.assertEqual(self.both("reindex", *arguments)[1][0], code)
        here, there = self.both("reindex", "--index", "hnsw", "--rebuild", "--memory", "1K")
        self.assertEqual((here[0], there[0]), (FAILED, FAILED))
        self.assertIn("1024 may be used", there[2])
        self.assertEqual(there[2].split(": ", 2)[2], here[2].split(": ", 2)[2])

    def settled(self, report):
        """A report but for what differs from run to run: times, memory, the model's last bits, and
        with them the errors."""
        for name in ("seconds", "build_seconds", "tune_seconds", "swap_seconds", "peak_bytes"):
            self.assertGreaterEqual(report.pop(name), 0)
        self.assertGreater(report["forecast_bytes"], 0)
        report.pop("model")  # of images in another order, to the last bit
        report["drift"] = {name: value if isinstance(value, bool) else round(value, 3)
                           for name, value in report["drift"].items()}
        report["recall_at_10"] = round(report["recall_at_10"], 1)
        # Two graphs of one set differ, and of so few images one alone may miss the highest target.
        report["tunings"] = [tuning["target"] for tuning in report["tunings"]
                             if tuning["target"] < 0.999]
        return report

    def test_a_reindex_is_stopped(self):
        """Once it has said what it will take; the generation that served serves on."""
        data = self.folder.path / "noise"
        data.mkdir()
        for seed in range(1100):  # enough for the quantiser
            rows = b"".join(b"\0" + random.Random(seed * 24 + y).randbytes(24) for y in range(24))
            (data / f"{seed}.png").write_bytes(ks.png_of_rows(24, 24, rows, level=1))
        kindred("ingest", data, archive=self.there)
        before = kindred_json("stats", archive=self.there)["generation"]
        for place in (("-a", self.there), ("--remote", self.server.address)):
            with self.subTest(place=place[0]):
                process = subprocess.Popen(
                    [BIN / "kindred", *place, "reindex", "--index", "ivfpq", "--check", "1100"],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                self.assertRegex(process.stdout.readline(),
                                 rb"^building the index \(ivfpq\) will take .* at its peak$")
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=120)
                self.assertEqual((process.returncode, out), (FAILED, b""), err)
                self.assertEqual(err.count(b"\n"), 1, err)
                self.assertIn(b"the reindex was cancelled", err)
                self.assertEqual(kindred_json("stats", archive=self.there)["generation"], before)
        self.assertEqual(kindred_json("verify", archive=self.there)["faults"], [])

    def begin_ingest(self):
        """An ingest of 300 files, and the line that it has said of the first."""
        data = self.folder.path / "many"
        data.mkdir()
        for at in range(300):
            (data / f"{at:03}.png").write_bytes(ks.png(64, 64, lambda x, y: (x * at + y) % 256))
        process = subprocess.Popen(
            [BIN / "kindred", "--remote", self.server.address, "ingest", "-v", "--json", data],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
        return process, process.stdout.readline()

    def test_a_stop_in_the_middle_leaves_whole_files(self):
        process, first = self.begin_ingest()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        told, summary = events((first + out).decode())
        self.assertEqual(process.returncode, FAILED, err)
        self.assertTrue(summary["cancelled"])
        self.assertIn(b"the ingest was stopped", err)
        stored = {image["path"] for image in exported(self.there)}
        self.assertTrue(0 < len(told) < 300, len(told))
        self.assertEqual({event["path"] for event in told}, stored)

    def test_a_server_that_dies(self):
        process, first = self.begin_ingest()
        self.server.kill()
        out, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, UNUSABLE, err)
        self.assertIn(self.server.address.encode(), err)
        told, _ = events((first + out).decode())
        stored = {image["path"] for image in exported(self.there)}
        self.assertTrue({event["path"] for event in told} <= stored)  # what was told is there


class Access(ks.RemoteCase):
    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        path = self.folder.path
        archive = path / "archive"
        kindred("init", archive=archive)
        self.authority = Authority(path / "authority")
        certificate, key = self.authority.sign("kindred server")
        self.client = self.authority.sign("a-client")
        write_access(path / "access", [*token_rules(), "certificate a-client write"])
        self.tokens = {role: path / f"{role}.token" for role in TOKENS}
        for role, file in self.tokens.items():
            file.write_text(TOKENS[role] + "\n")
        common = {"access__file": path / "access", "tls__certificate": certificate,
                  "tls__key": key}
        self.server = self.folder.enter_context(Server(archive, **common))
        self.mutual = {**common, "tls__client_ca": self.authority.certificate}
        self.archive = archive
        self.image = path / "image.png"
        self.image.write_bytes(ks.png(50, 40, lambda x, y: (x * y) % 256))

    def remote(self, *arguments, server=None, **options):
        return run("--remote", (server or self.server).address, *arguments, **options)

    def test_tokens(self):
        ca = ("--tls-ca", self.authority.certificate)
        self.assertEqual(self.remote(*ca, "--token-file", self.tokens["read"], "stats")[0], DONE)
        code, _, err = self.remote(*ca, "stats")
        self.assertEqual(code, UNUSABLE)
        self.assertIn(self.server.address, err)
        code, _, err = self.remote(*ca, "--token-file", self.tokens["read"], "ingest", self.image)
        self.assertEqual(code, UNUSABLE)
        self.assertEqual(self.remote(*ca, "--token-file", self.tokens["write"], "ingest",
                                     self.image)[0], DONE)
        self.assertEqual(self.remote(*ca, "--token-file", self.tokens["write"], "reindex")[0],
                         UNUSABLE)
        environment = {"KINDRED_REMOTE": self.server.address,
                       "KINDRED_TLS_CA": str(self.authority.certificate),
                       "KINDRED_TOKEN_FILE": str(self.tokens["read"])}
        self.assertEqual(run("stats", environment=environment)[0], DONE)
        self.assertEqual(run("-a", self.archive, "stats", environment=environment)[0], DONE)

    def test_servers_that_are_not_who_they_say(self):
        token = ("--token-file", self.tokens["read"])
        stranger = Authority(self.folder.path / "stranger", "Another authority")
        for arguments in (("--tls",), ("--tls-ca", stranger.certificate), ()):
            with self.subTest(arguments=arguments):
                code, out, err = self.remote(*arguments, *token, "stats")
                self.assertEqual((code, out), (UNUSABLE, ""))
                self.assertEqual(err.count("\n"), 1, err)
        code, _, err = run("--remote", "192.0.2.1:7443", *token, "stats")
        self.assertEqual(code, USAGE)
        self.assertIn("over TLS only", err)

    def test_certificates(self):
        certificate, key = self.client
        ca = ("--tls-ca", self.authority.certificate)
        with Server(self.archive, **self.mutual) as server:
            shown = (*ca, "--tls-cert", certificate, "--tls-key", key)
            self.assertEqual(self.remote(*shown, "ingest", self.image, server=server)[0], DONE)
            self.assertEqual(self.remote(*shown, "reindex", server=server)[0], UNUSABLE)
            self.assertEqual(self.remote(*ca, "stats", server=server)[0], UNUSABLE)
            environment = {"KINDRED_TLS_CA": str(self.authority.certificate),
                           "KINDRED_TLS_CERT": str(certificate), "KINDRED_TLS_KEY": str(key)}
            self.assertEqual(self.remote("stats", server=server, environment=environment)[0], DONE)


if __name__ == "__main__":
    unittest.main()
