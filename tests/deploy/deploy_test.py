#!/usr/bin/env python3
"""Checks deploy/ against the daemon that is really there: every option, package and path named in
the Dockerfile, the compose file and the example settings exists, and the settings that compose would
give to each container are a valid configuration.

usage: deploy_test.py ROOT POSTOFFICED [LINKED]
LINKED: the daemon is linked as in the image (not under a sanitizer), so look at its libraries, too.
Exit 77: PyYAML is not installed (Debian: python3-yaml).
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

ROOT, DAEMON = sys.argv[1], sys.argv[2]
LINKED = sys.argv[3:] == ["LINKED"]
DAEMON_SERVICES = {"migrate": "migrate", "serve-1": "serve", "serve-2": "serve", "worker": "worker"}


def text_of(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def example_settings():
    """KEY=VALUE lines, as compose and a shell read them."""
    settings = {}
    for line in text_of("deploy/.example.env").splitlines():
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals and re.fullmatch(r"[A-Z][A-Z0-9_]*", key), f"no KEY=VALUE: {line}"
            settings[key] = value
    return settings


VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?::([-?])([^}]*))?\}")


def interpolated(text, settings):
    """${NAME}, ${NAME:-default} and ${NAME:?message}, the forms that the compose file uses."""

    def value(match):
        name, form, rest = match.groups()
        if settings.get(name):
            return settings[name]
        assert form != "?", f"{name} is required and not in .example.env: {rest}"
        return rest if form == "-" else ""

    result = VARIABLE.sub(value, text)
    assert "${" not in result, f"a form of interpolation that is not known here: {result}"
    return result


def help_text():
    return subprocess.run([DAEMON, "--help"], check=True, capture_output=True, text=True).stdout


def known_variables():
    flags = re.findall(r"^\s+--([a-z][a-z-]*)", help_text(), re.MULTILINE)
    return {"POSTOFFICE_" + flag.upper().replace("-", "_") for flag in flags}


def known_commands():
    return set(re.findall(r"^  ([a-z][a-z-]*)  ", help_text(), re.MULTILINE))


def stages():
    """Each stage of the Dockerfile: its name and its instructions, continuation lines joined."""
    joined = re.sub(r"\\\n", " ", text_of("deploy/Dockerfile"))
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    result = {}
    for line in lines:
        words = line.split()
        if words[0] == "FROM":
            result[words[3]] = current = []
        current.append(line)
    return result


def packages_of(stage):
    found = set()
    for line in stages()[stage]:
        match = re.search(r"apt-get install (.*?)&&", line)
        if match:
            found |= {word for word in match.group(1).split() if not word.startswith("-")}
    return found


def shell_list(name):
    body = re.search(name + r"=\(([^)]*)\)", text_of("scripts/lib.sh")).group(1)
    return set(body.split())


class Compose(unittest.TestCase):
    def setUp(self):
        self.settings = example_settings()
        self.compose = yaml.safe_load(interpolated(text_of("deploy/compose.yaml"), self.settings))
        self.services = self.compose["services"]

    def test_the_topology_is_whole(self):
        self.assertEqual(set(self.services), {"rabbitmq", "postgres", "tester", *DAEMON_SERVICES})
        for name, command in DAEMON_SERVICES.items():
            self.assertEqual(self.services[name]["command"], command)
            self.assertIn(command, known_commands())
        self.assertEqual(int(self.services["worker"]["deploy"]["replicas"]), 3)
        self.assertEqual(self.services["tester"]["profiles"], ["tester"])

    def test_every_variable_of_the_compose_file_is_in_the_example(self):
        named = {match[0] for match in VARIABLE.findall(text_of("deploy/compose.yaml"))}
        self.assertLessEqual(named, set(self.settings))
        # COMPOSE_PROJECT_NAME is read by compose itself.
        self.assertLessEqual(set(self.settings) - {"COMPOSE_PROJECT_NAME"}, named)

    def test_the_daemon_has_every_option_that_is_named(self):
        known = known_variables()
        named = {name for name in self.settings if name.startswith("POSTOFFICE_")}
        for service in DAEMON_SERVICES:
            named |= set(self.services[service]["environment"])
        for line in stages()["postofficed"]:
            if line.startswith("ENV"):
                named |= set(re.findall(r"([A-Z_]+)=", line))
        self.assertGreater(len(known), 10)
        self.assertEqual(named - known, set())

    def test_the_daemon_calls_these_settings_valid(self):
        with tempfile.TemporaryDirectory() as directory:
            for service in DAEMON_SERVICES:
                values = self.services[service]["environment"]
                environment = {name: str(value or "") for name, value in values.items()}
                environment["POSTOFFICE_DATA_DIR"] = directory + "/data"
                result = subprocess.run([DAEMON, "validate"], env=environment, capture_output=True,
                                        text=True, check=False)
                if "RabbitMQ support is not built in" in result.stderr:
                    self.skipTest("built without RabbitMQ")
                self.assertEqual(result.returncode, 0, result.stderr)
                for secret in ("POSTGRES_PASSWORD", "RABBITMQ_PASSWORD"):
                    self.assertNotIn(self.settings[secret], result.stdout + result.stderr)

    def test_publishers_have_volumes_and_ports_of_their_own(self):
        volumes, ports = [], []
        for name in ("serve-1", "serve-2"):
            volumes += [volume.split(":")[0] for volume in self.services[name]["volumes"]]
            ports += [port.rsplit(":", 1)[0] for port in self.services[name]["ports"]]
        self.assertEqual(len(set(volumes)), 2)
        self.assertEqual(len(set(ports)), 4)
        self.assertLessEqual(set(volumes), set(self.compose["volumes"]))

    def test_the_shapes_are_those_of_compose(self):
        allowed = {"image", "build", "command", "environment", "volumes", "ports", "restart",
                   "depends_on", "healthcheck", "deploy", "profiles", "read_only", "cap_drop",
                   "security_opt", "ulimits", "stop_grace_period", "hostname", "shm_size", "tmpfs"}
        self.assertEqual({key for key in self.compose if not key.startswith("x-")},
                         {"services", "volumes"})
        for name, service in self.services.items():
            self.assertEqual(set(service) - allowed, set(), name)
            self.assertIn(service["restart"], ("no", "unless-stopped"))
            for other, condition in service.get("depends_on", {}).items():
                self.assertIn(other, self.services)
                self.assertIn(condition["condition"], ("service_started", "service_healthy",
                                                       "service_completed_successfully"))
            for value in service.get("environment", {}).values():
                self.assertIsInstance(value, (str, type(None), int))


class Image(unittest.TestCase):
    def test_it_is_built_with_the_packages_of_the_scripts(self):
        self.assertEqual(packages_of("build"), shell_list("build_packages"))

    def test_it_has_the_libraries_that_the_daemon_is_linked_to(self):
        if not LINKED or not os.path.exists("/usr/bin/dpkg-query"):
            self.skipTest("not linked as in the image")
        listed = subprocess.run(["ldd", DAEMON], check=True, capture_output=True, text=True).stdout
        direct = subprocess.run(["readelf", "-d", DAEMON], capture_output=True, text=True,
                                check=False).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.*)\]", direct)
        self.assertTrue(needed)
        for name in needed:
            path = re.search(re.escape(name) + r" => (\S+)", listed)
            if not path or name.startswith(("libc.", "libm.", "libgcc_s")):
                continue  # of every Debian
            self.assertIn(self.package_of(path.group(1)), packages_of("base"), name)

    def package_of(self, path):
        for spelling in (path, os.path.realpath(path), "/usr" + path):
            found = subprocess.run(["dpkg-query", "-S", spelling], capture_output=True, text=True,
                                   check=False)
            if found.returncode == 0:
                return found.stdout.split(":")[0]
        return None

    def test_it_does_not_run_as_root_and_has_a_health_check(self):
        self.assertIn("USER postoffice", stages()["base"])
        for name in ("tester", "postofficed"):
            self.assertEqual(stages()[name][0], f"FROM base AS {name}")
            self.assertFalse([line for line in stages()[name] if line.startswith("USER")])
        checks = [line for line in stages()["postofficed"] if line.startswith("HEALTHCHECK")]
        self.assertEqual(len(checks), 1)
        self.assertIn("postofficed-healthcheck", checks[0])

    def test_what_it_copies_is_there_and_not_ignored(self):
        kept = [line[1:] for line in text_of("deploy/Dockerfile.dockerignore").splitlines()
                if line.startswith("!")]
        for path in kept:
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)
        cmake = text_of("CMakeLists.txt")
        for folder in re.findall(r"add_subdirectory\(([a-z]+)", cmake):
            if folder not in ("bench", "tests"):
                self.assertIn(folder, kept)


class HealthCheck(unittest.TestCase):
    def check(self, port, page):
        environment = dict(os.environ, POSTOFFICE_ADMIN_LISTEN=f"0.0.0.0:{port}")
        command = ["bash", os.path.join(ROOT, "deploy/healthcheck.sh"), page]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode

    def test_it_tells_a_daemon_that_runs_from_one_that_does_not(self):
        with tempfile.TemporaryDirectory() as directory:
            command = [DAEMON, "--data-dir", directory + "/data", "--listen", "127.0.0.1:0",
                       "--admin-listen", "127.0.0.1:0"]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
                port = None
                for line in daemon.stderr:
                    found = re.search(r"admin pages on http://127.0.0.1:(\d+)/", line)
                    port = found.group(1) if found else port
                    if line.endswith(" ready\n"):
                        break
                try:
                    self.assertEqual(self.check(port, "/readyz"), 0)
                    self.assertEqual(self.check(port, "/livez"), 0)
                    self.assertNotEqual(self.check(port, "/no-such-page"), 0)
                finally:
                    daemon.terminate()
            self.assertNotEqual(self.check(port, "/livez"), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
