"""kindredd as a program: its configuration by every way, tokens, exit codes, signals, and what it
tells systemd."""

import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import threading
import unittest
import urllib.request

import programs
from programs import environment, run, wait_until

DONE, FAILED, USAGE, ARCHIVE = 0, 1, 2, 3


class Daemon:
    """A kindredd on free ports; ended by force when its test forgets to."""

    def __init__(self, case, *arguments, command=None, **variables):
        self.port_file = case.folder / "ports"
        self.log_path = case.folder / "log"
        command = command or [programs.BIN / "kindredd", f"--archive={case.folder / 'archive'}"]
        with open(self.log_path, "wb") as log:
            if variables.pop("journal", False):
                variables["JOURNAL_STREAM"] = programs.journal_stream(log)
            self.process = subprocess.Popen(
                [*command, "--config=", "--listen=127.0.0.1:0", "--http.listen=127.0.0.1:0",
                 f"--port-file={self.port_file}", *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment(**variables))
        case.addCleanup(self.end)
        wait_until(lambda: self.port_file.exists() or self.process.poll() is not None, "serving")
        case.assertIsNone(self.process.poll(), self.log())
        self.ports = {name: int(port) for name, port in
                      map(str.split, self.port_file.read_text().splitlines())}

    def log(self):
        return self.log_path.read_text()

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        return self.process.wait(programs.SECONDS)

    def end(self):
        self.process.kill()
        self.process.wait()


def page(daemon, path):
    url = f"http://127.0.0.1:{daemon.ports['http']}{path}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=programs.SECONDS) as answer:
        return answer.status, answer.read().decode()


def values(text):
    """The options that a printed configuration sets, defaults included."""
    found, section = {}, ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif " =" in line and not line.startswith("# "):
            name, value = line.lstrip("#").split(" =", 1)
            found[f"{section}.{name}"] = value.strip()
    return found


class Configuration(programs.FolderCase):
    def print_config(self, *arguments, **variables):
        done = run("kindredd", "--print-config", *arguments, env=environment(**variables))
        self.assertEqual(done.returncode, DONE, done.stderr)
        return done.stdout

    def write(self, text):
        path = self.folder / "kindredd.conf"
        path.write_text(text)
        return path

    def test_what_is_printed_is_read_back_the_same(self):
        settings = ["--server.queries=7", "--archive=/a b", "--server.stall=2.5",
                    "--listen=127.0.0.1:1 [::1]:2", "--decode.file_bytes=3G",
                    "--server.allow_remote=yes", "--http.listen="]
        for arguments in ([], settings):
            printed = self.print_config("--config=", *arguments)
            again = self.print_config(f"--config={self.write(printed)}")
            self.assertEqual(again, printed)
        found = values(printed)
        self.assertEqual(found["server.queries"], "7")
        self.assertEqual(found["archive.path"], "/a b")
        self.assertEqual(found["server.stall"], "2.5")
        self.assertEqual(found["server.listen"], "127.0.0.1:1 [::1]:2")
        self.assertEqual(found["decode.file_bytes"], "3G")
        self.assertEqual(found["server.allow_remote"], "on")
        self.assertEqual(found["http.listen"], "")

    def test_each_option_has_its_meaning_above_it_and_is_in_the_help(self):
        printed = self.print_config("--config=").splitlines()
        options = values("\n".join(printed))
        self.assertGreater(len(options), 34)
        self.assertTrue(all(len(line) <= 80 for line in printed))
        for at, line in enumerate(printed):
            if line.startswith("#") and not line.startswith("# "):
                self.assertRegex(printed[at - 1], r"default .*\)$")
        help_text = run("kindredd", "--help").stdout
        for name in options:
            self.assertIn(f"--{name}=VALUE", help_text)

    def test_file_gives_way_to_environment_and_that_to_arguments(self):
        path = self.write("[server]\nqueries = 11\ningests = 12\nadmins = 13\n")
        found = values(self.print_config(f"--config={path}", "--server.admins=33",
                                         KINDREDD_SERVER_INGESTS="22", KINDREDD_SERVER_ADMINS="23"))
        self.assertEqual([found[f"server.{name}"] for name in ("queries", "ingests", "admins")],
                         ["11", "22", "33"])
        found = values(self.print_config(f"--config={path}", "--ignore-environment",
                                         KINDREDD_SERVER_INGESTS="22"))
        self.assertEqual(found["server.ingests"], "12")
        found = values(self.print_config("--config=", "--archive=/one", "--archive.path=/two"))
        self.assertEqual(found["archive.path"], "/two")

    def test_wrong_usage_and_configuration_end_with_2_and_say_why(self):
        bad = self.write("[server]\nquerys = 3\n")
        cases = [
            (["--nonsense"], {}, "nonsense"),
            (["word"], {}, "word"),
            (["--print-config", "--check-config"], {}, "only one of"),
            (["--new-token", "viewer"], {}, "NAME and ROLE"),
            (["--new-token", "viewer", "read", "more"], {}, "more"),
            (["--new-token", "vie wer", "read"], {}, "a name is made of"),
            (["--new-token", "", "read"], {}, "a name is made of"),
            (["--new-token", "v" * 128, "read"], {}, "a name is made of"),
            (["--new-token", "viewer", "none"], {}, "a role is one of"),
            (["--new-token", "viewer", "root"], {}, "a role is one of"),
            ([f"--config={bad}"], {}, "line 2: there is no option server.querys"),
            ([f"--config={self.folder}/absent"], {}, "absent"),
            (["--config=", "--server.queries=none"], {}, "server.queries must be"),
            (["--config="], {"KINDREDD_SERVER_QUERYS": "3"}, "KINDREDD_SERVER_QUERYS"),
            (["--config=", "--listen=0.0.0.0:0"], {}, "server.allow_remote"),
            (["--config=", "--check-config", "--listen=0.0.0.0:0"], {}, "server.allow_remote"),
            (["--config=", "--check-config", "--access.file=/absent/file"], {}, "/absent/file"),
            (["--config=", f"--access.file={bad}"], {}, "line 1"),
        ]
        for arguments, variables, says in cases:
            with self.subTest(arguments=arguments):
                done = run("kindredd", *arguments, env=environment(**variables))
                self.assertEqual(done.returncode, USAGE, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(done.stdout, "")
        self.assertFalse((self.folder / "archive").exists())

    def test_check_config_reads_what_the_configuration_names(self):
        key = self.folder / "key.pem"
        access = self.folder / "access"
        access.write_text("certificate viewer read\n")
        access.chmod(0o600)
        arguments = ["--config=", "--check-config", f"--access.file={access}",
                     f"--tls.certificate={key}", f"--tls.key={key}"]
        done = run("kindredd", *arguments)
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("key.pem", done.stderr)
        key.touch()
        done = run("kindredd", *arguments)
        self.assertEqual((done.returncode, done.stdout), (DONE, "the configuration is good\n"),
                         done.stderr)
        access.chmod(0o666)
        self.assertEqual(run("kindredd", *arguments).returncode, USAGE)

    def test_a_new_token_is_printed_once_with_its_line(self):
        done = run("kindredd", "--new-token", "viewer@ward-3", "read")
        self.assertEqual(done.returncode, DONE, done.stderr)
        token, line = done.stdout.splitlines()
        self.assertGreaterEqual(len(token), 43)  # 256 bits at 6 a character
        self.assertRegex(token, r"^[A-Za-z0-9_-]+$")
        digest = hashlib.blake2b(token.encode(), digest_size=32).hexdigest()
        self.assertEqual(line, f"token viewer@ward-3 read {digest}")
        self.assertNotIn(token, done.stderr)
        access = self.folder / "access"
        access.write_text(line + "\n")
        access.chmod(0o600)
        done = run("kindredd", "--config=", "--check-config", f"--access.file={access}")
        self.assertEqual(done.returncode, DONE, done.stderr)
        other = run("kindredd", "--new-token", "viewer", "read").stdout.splitlines()[0]
        self.assertNotEqual(other, token)

    def test_what_cannot_be_printed_is_a_failure(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([programs.BIN / "kindredd", "--config=", "--print-config"],
                                  stdout=full, stderr=subprocess.PIPE, env=environment(),
                                  timeout=programs.SECONDS, check=False)
        self.assertEqual(done.returncode, FAILED)


class Life(programs.FolderCase):
    def test_it_serves_tells_its_ports_and_stops_when_told(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon = Daemon(self)
            self.assertEqual(sorted(daemon.ports), ["grpc", "http"])
            socket.create_connection(("127.0.0.1", daemon.ports["grpc"]), 10).close()
            self.assertEqual(page(daemon, "/livez")[0], 200)
            self.assertEqual(page(daemon, "/readyz")[0], 200)
            self.assertIn("kindred_build_info", page(daemon, "/metrics")[1])
            daemon.signal(number)
            self.assertEqual(daemon.wait(), DONE, daemon.log())
            self.assertFalse(daemon.port_file.exists())
            self.assertIn(f"stopping on {number.name}", daemon.log())
            self.assertRegex(daemon.log().splitlines()[0], r"^\d{4}-\d\d-\d\dT\S+Z notice: ")

    def test_threads_of_libraries_do_not_die_of_its_signals(self):
        daemon = Daemon(self, OPENBLAS_NUM_THREADS="4")  # started before main(), with no mask
        for _ in range(20):
            daemon.signal(signal.SIGHUP)
        wait_until(lambda: "reloading" in daemon.log() or daemon.process.poll() is not None,
                   "the reload")
        self.assertIsNone(daemon.process.poll())
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), DONE, daemon.log())

    def test_without_pages_there_is_no_http_port(self):
        daemon = Daemon(self, "--http.listen=")
        self.assertEqual(daemon.ports["http"], 0)
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), DONE)

    def test_it_sees_to_limits_and_the_owner_of_its_files(self):
        daemon = Daemon(self)
        proc = pathlib.Path(f"/proc/{daemon.process.pid}")
        limits = {line[:25].strip(): line[25:].split()[:2]
                  for line in (proc / "limits").read_text().splitlines()[1:]}
        soft, hard = limits["Max open files"]
        self.assertEqual(soft, hard)
        self.assertEqual(limits["Max core file size"], ["0", "0"])
        self.assertIn("Umask:\t0077", (proc / "status").read_text())
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), DONE)
        for path in [*(self.folder / "archive").rglob("*"), self.folder / "archive"]:
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_an_archive_or_address_that_cannot_be_used_ends_with_3(self):
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (self.folder / "file").write_text("no archive")
        junk = self.folder / "junk"
        (junk / "inside").mkdir(parents=True)
        for arguments in ([f"--archive={self.folder / 'file'}"], [f"--archive={junk}"],
                          [f"--archive={self.folder / 'new'}", f"--listen={address}"],
                          [f"--archive={self.folder / 'new'}", f"--http.listen={address}"],
                          [f"--archive={self.folder / 'new'}",
                           f"--port-file={self.folder / 'absent' / 'ports'}"]):
            with self.subTest(arguments=arguments):
                done = run("kindredd", "--config=", "--listen=127.0.0.1:0",
                           "--http.listen=127.0.0.1:0", *arguments)
                self.assertEqual(done.returncode, ARCHIVE, done.stderr)
                self.assertIn(" error: ", done.stderr)
        taken.close()

    def test_kindred_serve_becomes_it(self):
        daemon = Daemon(self, command=[programs.BIN / "kindred", "-a", self.folder / "archive",
                                       "serve"])
        name = pathlib.Path(f"/proc/{daemon.process.pid}/cmdline").read_bytes().split(b"\0")
        self.assertEqual(name[:3], [b"kindredd", b"-a", str(self.folder / "archive").encode()])
        self.assertTrue((self.folder / "archive" / "catalog").exists())
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), DONE)
        done = run("kindred", "serve", "--nonsense")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("--listen", run("kindred", "help", "serve").stdout)
        done = run("kindred", "--remote", "127.0.0.1:1", "serve")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("folder", done.stderr)

    def test_a_second_signal_ends_it_at_once(self):
        try:
            import grpc
        except ImportError:
            self.skipTest("python3-grpcio is not installed")
        daemon = Daemon(self, "--server.drain=600", "--server.stall=600")
        held = threading.Event()
        self.addCleanup(held.set)

        def requests():
            """None, and no end of them."""
            held.wait(programs.SECONDS)
            yield from ()

        with grpc.insecure_channel(f"127.0.0.1:{daemon.ports['grpc']}",
                                   [("grpc.enable_http_proxy", 0)]) as channel:
            call = channel.stream_unary("/kindred.v1.KindredService/Ingest")
            answer = call.future(requests(), timeout=programs.SECONDS)
            running = 'kindred_calls_running{class="ingest"} 1'
            wait_until(lambda: running in page(daemon, "/metrics")[1], "a running call")
            daemon.signal(signal.SIGTERM)
            wait_until(lambda: "stopping on SIGTERM" in daemon.log(), "the first signal's line")
            with self.assertRaises(subprocess.TimeoutExpired):
                daemon.process.wait(0.5)
            daemon.signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(), FAILED, daemon.log())
            self.assertIn("calls were cut off", daemon.log())
            self.assertFalse(daemon.port_file.exists())
            with self.assertRaises(grpc.RpcError):
                answer.result(programs.SECONDS)


class Systemd(programs.FolderCase):
    def setUp(self):
        super().setUp()
        self.manager = programs.Manager(self.folder)
        self.addCleanup(self.manager.close)

    def test_it_tells_of_its_life(self):
        daemon = Daemon(self, "--server.drain=7", NOTIFY_SOCKET=self.manager.path, journal=True)
        self.assertEqual(self.manager.next()["READY"], "1")
        daemon.signal(signal.SIGHUP)
        message = self.manager.next()
        self.assertEqual(message["RELOADING"], "1")
        self.assertGreater(int(message["MONOTONIC_USEC"]), 0)
        self.assertEqual(self.manager.next()["READY"], "1")
        daemon.signal(signal.SIGTERM)
        message = self.manager.next()
        self.assertEqual(message["STOPPING"], "1")
        self.assertGreaterEqual(int(message["EXTEND_TIMEOUT_USEC"]), 7_000_000)
        self.assertEqual(daemon.wait(), DONE)
        for line in daemon.log().splitlines():
            self.assertRegex(line, r"^<[3-7]>\S")

    def test_it_gives_signs_of_life_where_they_are_wanted(self):
        daemon = Daemon(self, NOTIFY_SOCKET=self.manager.path, WATCHDOG_USEC="200000")
        self.assertEqual(self.manager.next()["READY"], "1")
        for _ in range(3):
            self.assertEqual(self.manager.next(), {"WATCHDOG": "1"})
        daemon.signal(signal.SIGTERM)
        self.manager.next_with("STOPPING")
        self.assertEqual(daemon.wait(), DONE)

    def test_not_ready_before_it_serves(self):
        (self.folder / "archive").write_text("none")
        done = run("kindredd", "--config=", f"--archive={self.folder / 'archive'}",
                   env=environment(NOTIFY_SOCKET=self.manager.path))
        self.assertEqual(done.returncode, ARCHIVE)
        self.manager.socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            self.manager.next()


class Reload(programs.FolderCase):
    def test_files_are_read_again_and_a_broken_one_leaves_the_old(self):
        access, audit = self.folder / "access", self.folder / "audit"
        access.write_text("certificate viewer read\n")
        access.chmod(0o600)
        daemon = Daemon(self, f"--access.file={access}", f"--audit.file={audit}")
        os.rename(audit, self.folder / "audit.1")
        access.write_text("certificate viewer nonsense\n")
        daemon.signal(signal.SIGHUP)
        wait_until(audit.exists, "a new audit file")
        wait_until(lambda: "the access file stays" in daemon.log(), "the complaint")
        self.assertIsNone(daemon.process.poll())
        daemon.signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(), DONE, daemon.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
