# SPDX-License-Identifier: Apache-2.0
"""What is compared: nacre and its peers, each started as its own documentation says.

A subject runs a program of the root file system in the foreground, its streams passed on. The
virtual machines without a runtime are in microvms.py.
"""

import glob
import json
import os
import shutil
import subprocess

import machine
import memory
import sampler
from conversation import talk

PROBE = "/probe"


class Subject:
    """One way to start a program. `kind` is "vm" where a machine of its own is started."""

    name = ""
    kind = "container"
    can_exec = False
    can_share = False
    can_time = False    # it writes its phases (nacre run --timing)
    speaks = True       # its program's output can be read
    benches = None      # the names of those that it is for; None: all
    env = None          # of its commands; None: that of the benchmark

    def __init__(self, setup):
        self.setup = setup

    def missing(self):
        """Why it cannot be run here, or None."""
        raise NotImplementedError

    def prepare(self):
        """What is to be there before anything is timed. Raises sampler.Failure."""

    def version(self):
        raise NotImplementedError

    def command(self, program, name, volume=None, network=None):
        """The command line that runs `program` (a list) as container `name`. `volume`: a directory
        that is at /data there; `network`: a network namespace to join."""
        raise NotImplementedError

    def exec_command(self, program, name):
        """The command line that runs `program` in the running container `name`."""
        raise NotImplementedError

    def remove(self, name):
        """Whatever a container that failed left behind."""


def first_lines(command, n=1):
    """The first `n` lines that a command prints, as one."""
    run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    return ", ".join(run.stdout.splitlines()[:n]) or "unknown"


def write_conf(work, name, make_templates):
    """A nacre.conf whose templates lie in a directory of its own, which is not there yet, and which says whether
    nacre makes any by itself. The paths of both."""
    path, templates = (os.path.join(work, f"{name}.{end}") for end in ("conf", "templates"))
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"templates = {templates}\nmake_templates = {'on' if make_templates else 'off'}\n")
    return path, templates


def size_options(setup):
    """nacre's, of a container's limits."""
    return ["--cpus", "1", "--memory", f"{setup.memory_mib}M"]


class _Nacre(Subject):
    """nacre run, from the build directory, with a nacre.conf of its own."""

    kind = "vm"
    can_exec = True
    can_share = True
    can_time = True

    def __init__(self, setup):
        super().__init__(setup)
        self.program = os.path.join(setup.build, "bin/nacre")
        self.size = size_options(setup)
        self.env = {**os.environ, "NACRE_CONFIG": self.conf}

    def missing(self):
        return None if os.path.exists(self.program) else f"{self.program} is not built"

    def version(self):
        return first_lines([self.program, "--version"], 2)     # release, commit

    def command(self, program, name, volume=None, network=None, timing=None):
        command = [self.program, "run"]
        if timing:
            command += ["--timing", timing]
        if network:     # only a bundle can name a network namespace
            bundle = make_bundle(self.setup, [self.program, "spec"], "nacre", program, volume, network)
            return [*command, "--bundle", bundle, name]
        command += ["--name", name, *self.size]
        if volume:
            command += ["--volume", f"{volume}:/data"]
        return [*command, "--rootfs", self.setup.rootfs, "--", *program]

    def exec_command(self, program, name):
        return [self.program, "exec", name, *program]

    def remove(self, name):
        subprocess.run([self.program, "delete", "--force", name], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class _AsInstalled:
    """Of a subject with nacre's defaults: the first machine of a size boots, before the second it makes a template, and
    from then on they begin as its copies. What is measured is what comes then."""

    def __init__(self, setup):
        self.conf, self.templates = write_conf(setup.work, self.name, True)
        self._is_prepared = False
        super().__init__(setup)

    def prepare(self):
        if self._is_prepared:
            return
        self.setup.say(f"{self.name}: starts once, and once more with a template")
        for last in (False, True):
            self._start(last)
        self._is_prepared = True

    def _start(self, is_copy):
        """nacre boots where no template can be made, and says nothing: such times are not to stand here."""
        name = self.setup.new_name()
        try:
            with talk(self.command(["/probe", "serve"], name), env=self.env):
                if is_copy and not memory.is_mapped_below(self.templates, memory.processes()):
                    raise sampler.Failure("the machine is no copy of a template: it has booted")
        except sampler.Failure:
            self.remove(name)
            raise


class _Booting:
    """Of a subject whose machines boot: no template is made."""

    benches = ("start", "exits", "density")     # what follows the start is as nacre's

    def __init__(self, setup):
        self.conf, _ = write_conf(setup.work, self.name, False)
        super().__init__(setup)


class Nacre(_AsInstalled, _Nacre):
    name = "nacre"


class NacreBoot(_Booting, _Nacre):
    name = "nacre-boot"


def make_bundle(setup, spec_command, owner, program, volume=None, network=None):
    """A bundle with the default configuration of the runtime itself, without a terminal."""
    key = "-".join([owner, *(os.path.basename(word) for word in program),
                    "data" if volume else "", os.path.basename(network or "")])
    bundle = os.path.join(setup.work, "bundles", key)
    if os.path.exists(os.path.join(bundle, "config.json")):
        return bundle
    os.makedirs(bundle)
    try:
        subprocess.run(spec_command, cwd=bundle, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        shutil.rmtree(bundle)       # the next attempt begins anew
        raise sampler.Failure(f"no default configuration: {error}") from None
    path = os.path.join(bundle, "config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["process"].update(terminal=False, args=program)
    config["root"] = {"path": setup.rootfs, "readonly": True}
    if volume:
        config.setdefault("mounts", []).append(
            {"destination": "/data", "type": "bind", "source": volume, "options": ["bind", "rw"]})
    if network:
        namespaces = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
        config["linux"]["namespaces"] = [*namespaces, {"type": "network", "path": network}]
    if owner == "nacre":
        config["linux"]["resources"] = {**config["linux"].get("resources", {}),
                                        "memory": {"limit": setup.memory_mib << 20}}
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)
    return bundle


class OciRuntime(Subject):
    """A runtime with runc's command line, from PATH."""

    can_exec = True
    can_share = True
    options = ()
    alone = ()      # more of `run`, for a container that joins no network

    def missing(self):
        return None if shutil.which(self.name) else "not installed"

    def version(self):
        return first_lines([self.name, "--version"])

    def command(self, program, name, volume=None, network=None):
        bundle = make_bundle(self.setup, [self.name, "spec"], self.name, program, volume, network)
        return [self.name, *self.options, *(() if network else self.alone), "run", "--bundle", bundle, name]

    def exec_command(self, program, name):
        return [self.name, *self.options, "exec", name, *program]

    def remove(self, name):
        subprocess.run([self.name, *self.options, "delete", "--force", name],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Crun(OciRuntime):
    name = "crun"


class Runc(OciRuntime):
    name = "runc"


class Runsc(OciRuntime):
    """gVisor. Its documentation: systrap is the default and best inside a machine, KVM on bare metal; a network of
    its own unless there is to be none."""

    name = "runsc"
    kind = "sandbox"
    alone = ("--network=none",)

    def __init__(self, setup):
        super().__init__(setup)
        self.options = () if machine.is_virtual() else ("--platform=kvm",)


class Podman(Subject):
    """podman run, with one of the runtimes above, storage of its own, and no network."""

    can_exec = True
    runtime = ""

    def missing(self):
        for program in ("podman", "conmon"):
            if not shutil.which(program):
                return f"{program} is not installed"
        if not self.runtime_path():
            return f"{self.runtime} is not installed"
        return None

    def runtime_path(self):
        return shutil.which(self.runtime)

    def version(self):
        return first_lines(["podman", "--version"])

    def _podman(self):
        top = os.path.join(self.setup.work, "podman")
        os.makedirs(top, exist_ok=True)
        return ["podman", "--root", f"{top}/root", "--runroot", f"{top}/run", "--tmpdir", f"{top}/tmp",
                # no image is stored; the default asks for a file system that takes overlays
                "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none",
                "--runtime", self.runtime_path()]

    def command(self, program, name, volume=None, network=None):
        return [*self._podman(), "run", "--rm", "--interactive", "--log-driver", "none",
                "--network", "none", "--name", name, "--memory", f"{self.setup.memory_mib}m",
                "--rootfs", self.setup.rootfs, *program]

    def exec_command(self, program, name):
        return [*self._podman(), "exec", name, *program]

    def remove(self, name):
        subprocess.run([*self._podman(), "rm", "--force", name], stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class _PodmanNacre(Podman):
    """podman hands few variables on: a script says which nacre.conf it is."""

    kind = "vm"

    def runtime_path(self):
        path = os.path.join(self.setup.work, f"{self.name}.runtime")
        if not os.path.exists(path):
            program = os.path.join(self.setup.build, "bin/nacre")
            with open(path, "w", encoding="utf-8") as f:
                f.write(f"#!/bin/sh\nNACRE_CONFIG={self.conf} exec {program} \"$@\"\n")
            os.chmod(path, 0o755)
        return path


class PodmanNacre(_AsInstalled, _PodmanNacre):
    name = "podman+nacre"


class PodmanNacreBoot(_Booting, _PodmanNacre):
    name = "podman+nacre-boot"


class PodmanCrun(Podman):
    name = "podman+crun"
    runtime = "crun"


class PodmanRunc(Podman):
    name = "podman+runc"
    runtime = "runc"


class CtrKata(Subject):
    """Kata Containers, whose shim is containerd's: `ctr run`, as its documentation has it. The size of its machines is
    in its own configuration."""

    name = "ctr+kata"
    kind = "vm"
    can_exec = True
    shim = "containerd-shim-kata-v2"
    runtime = "io.containerd.kata.v2"
    socket = "/run/containerd/containerd.sock"

    def missing(self):
        for program in ("ctr", self.shim):
            if not shutil.which(program):
                return f"{program} is not installed"
        return None if os.path.exists(self.socket) else "containerd does not run"

    def version(self):
        return first_lines([self.shim, "--version"])

    def command(self, program, name, volume=None, network=None):
        return ["ctr", "run", "--rm", "--runtime", self.runtime, "--memory-limit", str(self.setup.memory_mib << 20),
                "--rootfs", self.setup.rootfs, name, *program]

    def exec_command(self, program, name):
        return ["ctr", "tasks", "exec", "--exec-id", self.setup.new_name(), name, *program]

    def remove(self, name):
        for words in (["tasks", "kill", "--signal", "SIGKILL"], ["containers", "delete"]):
            subprocess.run(["ctr", *words, name], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


ALL = (Nacre, NacreBoot, Crun, Runc, Runsc, PodmanNacre, PodmanNacreBoot, PodmanCrun, PodmanRunc,
       CtrKata)


def files_of(program):
    """What a subject's program needs besides what `ldd` names, for a host that has nothing else."""
    extra = {
        "podman": ["/usr/bin/conmon", "/usr/lib/podman/netavark", "/etc/containers", "/usr/share/containers"],
        "qemu-system-x86_64": ["/usr/share/qemu/qboot.rom", "/usr/share/qemu/linuxboot_dma.bin",
                               *glob.glob("/usr/lib/*/qemu/accel-*.so")],
    }
    return [path for path in extra.get(program, []) if os.path.exists(path)]
