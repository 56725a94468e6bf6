"""The units that are installed: they are what systemd understands, they shut the programs in, and
the nightly job, run as it is written, does its work or fails with a line that says why."""

import json
import os
import pathlib
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest
import zlib

import programs
from programs import SOURCE, environment, run, wait_until

UNITS = pathlib.Path(os.environ["KIN_TEST_UNITS"])  # as configured for the install prefix
SOURCES = SOURCE / "tools/systemd"
NAMES = ("kindredd.service", "kindred-reindex.service", "kindred-reindex.timer")
DONE, FAILED, USAGE = 0, 1, 2


def read_unit(name):
    """{section: {key: [values]}}; a line that is none fails."""
    unit, section = {}, None
    for number, line in enumerate((UNITS / name).read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        if re.fullmatch(r"\[[A-Z][a-z]+\]", line):
            section = unit.setdefault(line[1:-1], {})
            continue
        match = re.fullmatch(r"([A-Z][A-Za-z]*)=(.*)", line)
        if match is None or section is None or line.endswith("\\"):
            raise AssertionError(f"{name}:{number}: {line}")
        section.setdefault(match[1], []).append(match[2])
    return unit


def exec_start(name):
    """The words of ExecStart."""
    (line,) = read_unit(name)["Service"]["ExecStart"]
    return shlex.split(line)


def command(name, variables):
    """ExecStart's words with variables put in as systemd does: ${X} within a word, $X as words of
    its own; the program is the one that was built."""
    words = []
    for word in exec_start(name):
        if re.fullmatch(r"\$[A-Z_]+", word):
            words += variables[word[1:]].split()
        else:
            words.append(re.sub(r"\$\{([A-Z_]+)\}", lambda name: variables[name[1]], word))
    program = pathlib.PurePath(words[0])
    assert program.is_absolute(), words
    return [programs.BIN / program.name, *words[1:]]


def twin_png(seed, side=64):
    """One of many pictures of one noise, a few pixels of each changed: an index's codes, of a byte a
    dimension, are all but the same, while the pictures are not."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    pixels = bytearray(random.Random(1).randbytes(side * side))
    changes = random.Random(seed)
    for _ in range(60):
        pixels[changes.randrange(side * side)] ^= 15
    data = b"".join(b"\0" + pixels[at:at + side] for at in range(0, side * side, side))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(data, 1)) + chunk(b"IEND", b""))


class Files(programs.FolderCase):
    def test_each_is_of_sections_and_settings_with_a_purpose(self):
        for name in NAMES:
            unit = read_unit(name)
            self.assertLessEqual(set(unit), {"Unit", "Service", "Timer", "Install"})
            self.assertEqual(len(unit["Unit"]["Description"]), 1)
            self.assertNotIn("@", (UNITS / name).read_text().replace("@system-service", "")
                             .replace("@privileged", "").replace("@resources", ""))

    def test_systemd_finds_no_fault_with_them(self):
        tool = shutil.which("systemd-analyze")
        if tool is None:
            self.skipTest("systemd-analyze is not installed")
        for name in NAMES:  # with programs that are there: it looks for them
            text = (UNITS / name).read_text()
            for program in ("kindredd", "kindred"):
                text = re.sub(rf"^ExecStart=\S*/{program}\b",
                              f"ExecStart={programs.BIN}/{program}", text, flags=re.M)
            (self.folder / name).write_text(text)
        done = subprocess.run([tool, "verify", "--man=no", *(self.folder / name for name in NAMES)],
                              capture_output=True, text=True, check=False,
                              env=environment(SYSTEMD_UNIT_PATH=f"{self.folder}:"))
        ours = [line for line in done.stderr.splitlines() if "kindred" in line]
        self.assertEqual((done.returncode, ours), (0, []), done.stderr)

    def test_both_services_are_shut_in(self):
        wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "ProtectHome": "yes",
                  "PrivateTmp": "yes", "PrivateDevices": "yes", "CapabilityBoundingSet": "",
                  "RestrictNamespaces": "yes", "MemoryDenyWriteExecute": "yes",
                  "LockPersonality": "yes", "SystemCallArchitectures": "native", "User": "kindred",
                  "StateDirectory": "kindred", "StateDirectoryMode": "0700", "UMask": "0077",
                  "LimitCORE": "0"}
        for name in NAMES[:2]:
            service = read_unit(name)["Service"]
            for key, value in wanted.items():
                self.assertEqual(service.get(key), [value], f"{name}: {key}")
            self.assertTrue(service["SystemCallFilter"][0].startswith("@system-service"))
        tool = shutil.which("systemd-analyze")
        if tool is None:
            return
        for name, most in ((NAMES[0], 20), (NAMES[1], 20)):  # tenths: 10 is shut, 100 open
            done = subprocess.run([tool, "security", "--no-pager", "--offline=true",
                                   f"--threshold={most}", UNITS / name], capture_output=True,
                                  text=True, check=False)
            if "unrecognized option" in done.stderr:
                return
            self.assertEqual(done.returncode, 0, done.stdout[-400:] + done.stderr)

    def test_the_service_says_when_it_is_ready_and_lets_decoders_shut_themselves_in(self):
        service = read_unit("kindredd.service")["Service"]
        self.assertEqual(service["Type"], ["notify"])
        self.assertEqual(service["RestartPreventExitStatus"], [str(USAGE)])
        allowed = " ".join(service["SystemCallFilter"])
        for call in ("seccomp", "memfd_create", "prlimit64", "setpriority"):
            self.assertIn(call, allowed)
        self.assertNotIn("/", service["NoExecPaths"][0].split())
        done = run("kindredd", *exec_start("kindredd.service")[1:], "--config=", "--check-config")
        self.assertEqual(done.returncode, DONE, done.stderr)

    def test_the_timer_makes_up_for_nights_that_it_missed(self):
        timer = read_unit("kindred-reindex.timer")
        self.assertEqual(timer["Timer"]["Persistent"], ["true"])
        self.assertEqual(timer["Timer"]["Unit"], ["kindred-reindex.service"])
        self.assertIn("RandomizedDelaySec", timer["Timer"])
        self.assertEqual(timer["Install"]["WantedBy"], ["timers.target"])
        service = read_unit("kindred-reindex.service")["Service"]
        self.assertEqual(service["Type"], ["oneshot"])
        self.assertEqual((service["Nice"], service["IOSchedulingClass"]), (["19"], ["idle"]))
        tool = shutil.which("systemd-analyze")
        if tool is not None:
            (when,) = timer["Timer"]["OnCalendar"]
            done = subprocess.run([tool, "calendar", when], capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_user_and_folders(self):
        user = [line for line in (SOURCES / "kindred.sysusers").read_text().splitlines()
                if line and not line.startswith("#")]
        self.assertEqual(len(user), 1)
        self.assertRegex(user[0], r'^u kindred - "[^"]+" /var/lib/kindred /usr/sbin/nologin$')
        folders = [line.split() for line in (SOURCES / "kindred.tmpfiles").read_text().splitlines()
                   if line and not line.startswith("#")]
        modes = {path: (kind, mode, owner) for kind, path, mode, owner, *_ in folders}
        self.assertEqual(modes["/var/lib/kindred"], ("d", "0700", "kindred"))
        self.assertEqual(modes["/etc/kindred"], ("d", "0750", "root"))
        for tool, name in (("systemd-sysusers", "kindred.sysusers"),
                           ("systemd-tmpfiles", "kindred.tmpfiles")):
            if shutil.which(tool) is None:
                continue
            root = self.folder / tool
            root.mkdir()
            action = ["--create", "--dry-run"] if tool == "systemd-tmpfiles" else ["--dry-run"]
            done = subprocess.run([tool, *action, f"--root={root}", SOURCES / name],
                                  capture_output=True, text=True, check=False)
            if "unrecognized option" not in done.stderr:
                self.assertEqual(done.returncode, 0, done.stderr)


class NightlyJob(unittest.TestCase):
    """The job as its unit has it, on an archive of the committed samples."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="kindred-units-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.archive = cls.folder / "archive"
        samples = SOURCE / "data-samples"
        done = run("kindred", "-a", cls.archive, "ingest", samples, "--manifest",
                   samples / "manifest.csv")
        assert done.returncode == DONE, done.stderr

    def variables(self, archive=None, options=""):
        """What the unit sets, and what /etc/kindred/reindex.env would."""
        service = read_unit("kindred-reindex.service")["Service"]
        preset = dict(word.split("=", 1) for line in service["Environment"]
                      for word in line.split())
        self.assertEqual(sorted(preset), ["KINDRED_ARCHIVE", "KINDRED_REINDEX_OPTIONS"])
        self.assertEqual(preset["KINDRED_ARCHIVE"], "/var/lib/kindred/archive")
        return {**preset, "KINDRED_ARCHIVE": str(archive or self.archive),
                "KINDRED_REINDEX_OPTIONS": options}

    def start(self, journal=None, **settings):
        """Starts the job with its standard error going to `journal`, as to systemd's."""
        variables = self.variables(**settings)
        more = {"JOURNAL_STREAM": programs.journal_stream(journal)} if journal is not None else {}
        return subprocess.Popen(command("kindred-reindex.service", variables),
                                env=environment(**variables, **more), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=journal or subprocess.PIPE)

    def run_job(self, **settings):
        """(exit code, journal lines)."""
        with open(self.folder / "journal", "w+", encoding="utf-8") as journal:
            code = self.start(journal, **settings).wait(programs.SECONDS)
            journal.seek(0)
            return code, journal.read().splitlines()

    def generation(self, archive=None):
        stats = json.loads(run("kindred", "-a", archive or self.archive, "stats", "--json").stdout)
        return stats["generation"]["number"]

    def test_it_builds_a_new_generation_and_says_nothing_bad(self):
        before = self.generation()
        self.assertEqual(self.run_job(), (DONE, []))
        self.assertGreater(self.generation(), before)
        self.assertEqual(self.run_job(options="--index hnsw --recall-bound 0.5"), (DONE, []))

    def is_locked(self):
        """Whether a process holds the reindex lock, without taking it."""
        lock = self.archive / "reindex.lock"
        if not lock.exists():
            return False
        number = lock.stat().st_ino
        return any("FLOCK" in line and f":{number} " in line
                   for line in pathlib.Path("/proc/locks").read_text().splitlines())

    def hold_one(self):
        """A job that was stopped while it holds the lock; None when it was too fast."""
        job = self.start()
        self.addCleanup(job.stderr.close)
        self.addCleanup(job.wait)
        self.addCleanup(job.kill)
        wait_until(lambda: self.is_locked() or job.poll() is not None, "the lock")
        job.send_signal(signal.SIGSTOP)
        return job if self.is_locked() else None

    def test_a_second_one_at_the_same_time_fails_and_says_so(self):
        first = wait_until(self.hold_one, "a job that can be stopped halfway")
        before = self.generation()
        code, lines = self.run_job()
        self.assertEqual(code, FAILED)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0],
                         r"^<3>kindred: .*: a reindex or a backup of this archive is running$")
        self.assertEqual(self.generation(), before)
        first.send_signal(signal.SIGCONT)
        self.assertEqual(first.wait(programs.SECONDS), DONE)
        self.assertGreater(self.generation(), before)

    def test_one_that_was_killed_is_in_nobodys_way(self):
        first = wait_until(self.hold_one, "a job that can be stopped halfway")
        first.kill()
        first.wait(programs.SECONDS)
        self.assertEqual(self.run_job(), (DONE, []))

    def test_recall_below_its_bound_fails_with_both_figures(self):
        twins, archive = self.folder / "twins", self.folder / "twins-archive"
        twins.mkdir()
        for seed in range(300):
            (twins / f"{seed}.png").write_bytes(twin_png(seed))
        done = run("kindred", "-a", archive, "ingest", twins, "--no-reindex")
        self.assertEqual(done.returncode, DONE)
        options = "--keep-model --index hnsw --recall-bound 0.97"  # a learnt model tells them apart
        code, lines = self.run_job(archive=archive, options=options)
        self.assertEqual(code, FAILED)
        self.assertEqual(len(lines), 1, lines)
        match = re.fullmatch(r"<3>kindred: recall@10 (0\.\d{4}) is below the bound 0\.97: "
                             r"searches scan", lines[0])
        self.assertIsNotNone(match, lines)
        self.assertLess(float(match[1]), 0.97)
        stats = json.loads(run("kindred", "-a", archive, "stats", "--json").stdout)
        self.assertEqual(stats["generation"]["kind"], "flat")
        code, lines = self.run_job(archive=archive, options=f"{options} --json")
        self.assertEqual((code, len(lines)), (FAILED, 1))

    def test_an_archive_that_is_not_there_fails_with_its_name(self):
        code, lines = self.run_job(archive=self.folder / "absent")
        self.assertEqual(code, 3)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^<3>kindred: .*/absent")

    def test_outside_the_journal_lines_have_no_level(self):
        done = run("kindred", "-a", self.folder / "absent", "reindex")
        self.assertTrue(done.stderr.startswith("kindred: "), done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
