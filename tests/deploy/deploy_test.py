#!/usr/bin/env python3
"""Checks deploy/ against the daemon that is really there: every option, package and path named in
the Dockerfile, the compose file, the Kubernetes files and the example settings exists, and the
settings that compose would give to each container are a valid configuration. What the image holds is
put together here and started, without a shell around it.

usage: deploy_test.py ROOT POSTOFFICED HEALTHCHECK [LINKED]
LINKED: the daemon is linked as in the image (not under a sanitizer), so put the image together.
Exit 77: PyYAML is not installed (Debian: python3-yaml).
"""
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest
import urllib.request

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

ROOT, DAEMON, HEALTHCHECK = sys.argv[1:4]
LINKED = sys.argv[4:] == ["LINKED"]
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
    text = subprocess.run([DAEMON, "help", "--format=env"], check=True, capture_output=True,
                          text=True).stdout
    return set(re.findall(r"\b(POSTOFFICE_[A-Z_]+)", text))


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


KUBERNETES = {"run.yaml": {"run"}, "cluster.yaml": {"serve", "worker"}}


def milliseconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 1, "s": 1000, "m": 60000}[unit]


class Kubernetes(unittest.TestCase):
    def setUp(self):
        self.objects = [one for name in KUBERNETES
                        for one in yaml.safe_load_all(text_of("deploy/kubernetes/" + name))]
        self.secret = yaml.safe_load(text_of("deploy/kubernetes/secret.yaml"))
        self.workloads = [one for one in self.objects if one["kind"] in ("StatefulSet", "Deployment")]

    @staticmethod
    def pod(workload):
        return workload["spec"]["template"]["spec"]

    def containers(self):
        for workload in self.workloads:
            container, = self.pod(workload)["containers"]
            yield workload, container

    @staticmethod
    def environment(container):
        return {one["name"]: one["value"] for one in container["env"]}

    def test_there_is_one_for_each_role(self):
        commands = [container["args"][0] for _, container in self.containers()]
        self.assertEqual(set(commands), set().union(*KUBERNETES.values()))
        self.assertLessEqual(set(commands), known_commands())
        for workload, container in self.containers():
            # What is accepted, and who a publisher is, must outlive the pod.
            keeps = container["args"][0] != "worker"
            self.assertEqual(workload["kind"], "StatefulSet" if keeps else "Deployment")
            self.assertEqual("volumeClaimTemplates" in workload["spec"], keeps)
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            self.assertEqual("/var/lib/postoffice" in mounted, keeps)

    def test_selectors_and_budgets_are_of_pods_that_exist(self):
        labels = [one["spec"]["template"]["metadata"]["labels"] for one in self.workloads]
        services = {one["metadata"]["name"] for one in self.objects if one["kind"] == "Service"}
        budgets = []
        for one in self.objects:
            selector = one["spec"]["selector"]
            self.assertIn(selector.get("matchLabels", selector), labels)
            if one["kind"] == "PodDisruptionBudget":
                budgets.append(selector["matchLabels"])
            if one["kind"] == "StatefulSet":
                self.assertIn(one["spec"]["serviceName"], services)
        self.assertCountEqual(budgets, labels)

    def test_the_daemon_calls_their_settings_valid(self):
        for workload, container in self.containers():
            values = self.environment(container)
            self.assertEqual(set(values) - known_variables(), set())
            with tempfile.TemporaryDirectory() as directory:
                for key, value in self.secret["stringData"].items():
                    with open(os.path.join(directory, key), "w", encoding="utf-8") as file:
                        file.write(value)
                environment = {name: value.replace("/etc/postoffice", directory)
                               for name, value in values.items()}
                environment["POSTOFFICE_DATA_DIR"] = directory + "/data"
                result = subprocess.run([DAEMON, *container["args"], "--help"], check=False,
                                        capture_output=True)
                self.assertEqual(result.returncode, 0)
                result = subprocess.run([DAEMON, "validate"], env=environment, capture_output=True,
                                        text=True, check=False)
            if "RabbitMQ support is not built in" in result.stderr:
                self.skipTest("built without RabbitMQ")
            self.assertEqual(result.returncode, 0, workload["metadata"]["name"] + result.stderr)

    def test_the_probes_ask_pages_and_ports_that_the_daemon_has(self):
        image = " ".join(stages()["postofficed"])
        listens = {"callback": re.search(r"POSTOFFICE_LISTEN=\S+:(\d+)", image).group(1),
                   "admin": re.search(r"POSTOFFICE_ADMIN_LISTEN=\S+:(\d+)", image).group(1)}
        paths = set()
        for _, container in self.containers():
            ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
            self.assertLessEqual(ports.items(), listens.items())
            for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"),
                                ("readinessProbe", "/readyz")):
                self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "admin"})
                paths.add(path)
        with tempfile.TemporaryDirectory() as directory:
            daemon = Running(directory + "/data")
            try:
                for path in paths:
                    self.assertEqual(check(daemon.ports["admin pages"], path), 0, path)
            finally:
                daemon.stop()

    def test_a_pod_may_drain_before_it_is_killed_and_after_it_left_the_balancers(self):
        for workload, container in self.containers():
            values = self.environment(container)
            delay = milliseconds(values.get("POSTOFFICE_DRAIN_DELAY", "0s"))
            drain = delay + milliseconds(values["POSTOFFICE_DRAIN_LIMIT"])
            grace = 1000 * self.pod(workload)["terminationGracePeriodSeconds"]
            self.assertGreater(grace, 2 * drain)
            if container["args"][0] == "worker":
                continue
            probe = container["readinessProbe"]
            noticed = 1000 * (probe["periodSeconds"] * probe["failureThreshold"] +
                              probe["timeoutSeconds"])
            self.assertGreater(delay, 2 * noticed)

    def test_a_pod_has_few_rights_and_no_variables_of_services(self):
        for workload, container in self.containers():
            pod = self.pod(workload)
            # Kubernetes' POSTOFFICE_PORT, of the Service postoffice, is no option of the daemon.
            self.assertIs(pod["enableServiceLinks"], False)
            self.assertIs(pod["automountServiceAccountToken"], False)
            self.assertEqual(pod["securityContext"]["runAsUser"], 10001)
            self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
            rights = container["securityContext"]
            self.assertIs(rights["readOnlyRootFilesystem"], True)
            self.assertIs(rights["allowPrivilegeEscalation"], False)
            self.assertEqual(rights["capabilities"], {"drop": ["ALL"]})
            self.assertIn("memory", container["resources"]["limits"])

    def test_the_admin_pages_need_the_token(self):
        for _, container in self.containers():
            values = self.environment(container)
            self.assertEqual(values["POSTOFFICE_ADMIN_OPEN"], "false")
            files = {name: path for name, path in values.items() if name.endswith("_FILE")}
            self.assertIn("POSTOFFICE_ADMIN_TOKEN_FILE", files)
            for path in files.values():
                self.assertIn(os.path.basename(path), self.secret["stringData"])


class Image(unittest.TestCase):
    def test_it_is_built_with_the_packages_of_the_scripts(self):
        in_no_image = {"pkg-config", "libsystemd-dev"}
        self.assertEqual(packages_of("build") - {"ca-certificates"},
                         shell_list("build_packages") - in_no_image)
        self.assertIn("-DPOSTOFFICE_SYSTEMD=OFF", " ".join(stages()["build"]))

    def test_it_is_what_was_assembled_and_nothing_else(self):
        for name in ("tester", "postofficed"):
            self.assertEqual(stages()[name][0], f"FROM scratch AS {name}")
            self.assertIn(f"COPY --from=build /images/{name} /", stages()[name])
            self.assertFalse([line for line in stages()[name] if line.startswith("RUN")])

    def test_it_does_not_run_as_root_and_has_a_health_check_without_a_shell(self):
        for name in ("tester", "postofficed"):
            self.assertEqual([line for line in stages()[name] if line.startswith("USER")],
                             ["USER 10001:10001"])
        check, = [line for line in stages()["postofficed"] if line.startswith("HEALTHCHECK")]
        command = json.loads(re.search(r"CMD (\[.*\])", check).group(1))
        self.assertEqual(command, ["/usr/local/bin/postofficed-healthcheck", "/livez"])

    def test_what_it_copies_is_there_and_not_ignored(self):
        kept = [line[1:] for line in text_of("deploy/Dockerfile.dockerignore").splitlines()
                if line.startswith("!")]
        for path in kept:
            self.assertTrue(os.path.exists(os.path.join(ROOT, path)), path)
        cmake = text_of("CMakeLists.txt")
        for folder in re.findall(r"add_subdirectory\(([a-z]+)", cmake):
            if folder not in ("bench", "tests"):
                self.assertIn(folder, kept)


class Running:
    """A daemon on free ports; `wrap` is what its command is given to."""

    def __init__(self, directory, wrap=lambda command: command):
        command = wrap([DAEMON, "--data-dir", directory, "--listen", "127.0.0.1:0",
                        "--admin-listen", "127.0.0.1:0"])
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={})
        self.ports = {}
        for line in self.process.stderr:
            found = re.search(r"(admin pages|callbacks) on http://127.0.0.1:(\d+)/", line)
            if found:
                self.ports[found.group(1)] = found.group(2)
            if line.endswith(" ready\n"):
                break

    def stop(self):
        self.process.terminate()
        self.process.stderr.read()
        self.process.stderr.close()
        return self.process.wait(30)


def check(port, page, wrap=lambda command: command):
    environment = {"POSTOFFICE_ADMIN_LISTEN": f"0.0.0.0:{port}"}
    return subprocess.run(wrap([HEALTHCHECK, page]), env=environment, capture_output=True,
                          check=False).returncode


class HealthCheck(unittest.TestCase):
    def test_it_tells_a_daemon_that_runs_from_one_that_does_not(self):
        with tempfile.TemporaryDirectory() as directory:
            daemon = Running(directory + "/data")
            port = daemon.ports["admin pages"]
            try:
                self.assertEqual(check(port, "/readyz"), 0)
                self.assertEqual(check(port, "/livez"), 0)
                self.assertEqual(check(port, "/no-such-page"), 1)
            finally:
                daemon.stop()
            self.assertEqual(check(port, "/livez"), 1)


@unittest.skipUnless(LINKED and shutil.which("dpkg-query"), "not linked as in the image")
class Assembled(unittest.TestCase):
    """The root of the image, put together from this machine's files as in the Dockerfile."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = os.path.join(self.directory.name, "root")
        os.chmod(self.directory.name, 0o755)
        subprocess.run([os.path.join(ROOT, "deploy/assemble.sh"), self.root, DAEMON, HEALTHCHECK],
                       check=True)

    def files(self):
        for directory, _, names in os.walk(self.root):
            for name in names:
                yield os.path.join(directory, name)

    def wrapped(self, command):
        """As the user of the image, with nothing but the root around it."""
        program = "/usr/local/bin/" + os.path.basename(command[0])
        return [shutil.which("chroot") or "/usr/sbin/chroot", "--userspec=10001:10001", self.root, program, *command[1:]]

    def test_it_starts_and_answers_with_what_is_in_it(self):
        programs = [path for path in self.files()
                    if os.stat(path).st_mode & stat.S_IXUSR and ".so" not in path]
        self.assertEqual({os.path.basename(path) for path in programs},
                         {"postofficed", "postofficed-healthcheck"})
        notices = os.listdir(os.path.join(self.root, "usr/share/doc"))
        self.assertLessEqual({"postoffice", "libasio-dev", "libpq5", "ca-certificates"}, set(notices))
        if os.geteuid() != 0:
            self.skipTest("chroot needs root")
        data = os.path.join(self.root, "var/lib/postoffice")
        os.makedirs(data, 0o700)
        os.chown(data, 10001, 10001)
        daemon = Running("/var/lib/postoffice", self.wrapped)
        try:
            self.assertEqual(check(daemon.ports["admin pages"], "/readyz", self.wrapped), 0)
            body = urllib.request.urlopen(
                f"http://127.0.0.1:{daemon.ports['callbacks']}/callback", b'{"object_ids":[1]}')
            self.assertEqual(body.status, 202)
            body.close()
        finally:
            self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
