# SPDX-License-Identifier: MIT
"""A PC with Debian's kernel, under qemu's TCG: boards are plugged into its USB controllers, programs run in it."""
import json
import os
import queue
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BOOT_TIMEOUT_S = 120                    # of wall time, for a hang only, like all others here
RUN_TIMEOUT_S = 60
CONTROLLERS = {"xhci": "qemu-xhci", "uhci": "piix3-usb-uhci"}


class Running:
    """A command that was started in the guest."""

    def __init__(self, what, timeout_s):
        self.what = what
        self.timeout_s = timeout_s
        self.answer = queue.Queue()

    def wait(self):
        """(exit code, output)."""
        try:
            answer = self.answer.get(timeout=self.timeout_s + RUN_TIMEOUT_S)
        except queue.Empty:
            raise AssertionError(f"the guest does not answer: {self.what}") from None
        if answer is None:
            raise AssertionError(f"the guest has ended during: {self.what}")
        return answer["code"], answer["output"]


class Guest:
    """The host's root is the guest's, read-only, so that it runs the same programs; /mnt is writable and in its own memory."""

    def __init__(self, folder, kernel, initramfs):
        self.folder = folder
        self._agent = os.path.join(folder, "agent")
        command = ["setpriv", "--pdeathsig", "KILL",       # a test that is killed leaves no qemu behind
                   "qemu-system-x86_64", "-accel", "tcg", "-M", "q35", "-m", "512", "-nodefaults", "-no-reboot", "-display", "none",
                   "-serial", "file:" + os.path.join(folder, "console.log"),
                   "-chardev", f"socket,id=agent,path={self._agent},server=on,wait=off",
                   "-device", "isa-serial,chardev=agent,index=1", "-kernel", kernel, "-initrd", initramfs, "-append",
                   f"console=ttyS0 quiet panic=-1 agent={os.path.join(HERE, 'agent.py')} python={os.path.realpath(sys.executable)}",
                   "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
                   "-device", "virtio-9p-pci,fsdev=root,mount_tag=root"]
        for name, device in CONTROLLERS.items():
            command += ["-device", f"{device},id={name}", "-chardev", f"socket,id=c{name},path={self.usb(name)},server=on,wait=off",
                        "-device", f"usb-redir,chardev=c{name},bus={name}.0"]
        self._commands = {}
        self._next = 1
        self._hello = self._commands[0] = Running("boot", BOOT_TIMEOUT_S)
        with open(os.path.join(folder, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._socket = self._connect()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def usb(self, controller):
        """The socket on which that controller's port waits for a board."""
        return os.path.join(self.folder, controller)

    def _connect(self):
        """qemu makes its sockets before the guest starts, but not before Popen() returns."""
        agent = socket.socket(socket.AF_UNIX)
        while self.process.poll() is None:
            try:
                agent.connect(self._agent)
                return agent
            except (FileNotFoundError, ConnectionRefusedError):
                os.sched_yield()
        raise AssertionError("qemu: " + self._read_file("qemu.log"))

    def _read(self):
        with self._socket.makefile("r", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                answer = json.loads(line)
                self._commands.pop(answer["id"]).answer.put(answer)
        for command in list(self._commands.values()):
            command.answer.put(None)

    def _send(self, what, timeout_s, **request):
        running = Running(what, timeout_s)
        number, self._next = self._next, self._next + 1
        self._commands[number] = running
        self._socket.sendall(json.dumps({"id": number, "timeout": timeout_s, **request}).encode() + b"\n")
        return running

    def wait_boot(self):
        """The kernel's release."""
        return self._hello.wait()[1]

    def start(self, *argv, timeout_s=RUN_TIMEOUT_S):
        return self._send(argv, timeout_s, argv=argv)

    def run(self, *argv, timeout_s=RUN_TIMEOUT_S):
        """(exit code, standard output and error)."""
        return self.start(*argv, timeout_s=timeout_s).wait()

    def shell(self, script, timeout_s=RUN_TIMEOUT_S):
        return self.run("sh", "-c", script, timeout_s=timeout_s)

    def await_node(self, path, present=True, timeout_s=RUN_TIMEOUT_S):
        """Until a device node has appeared, or vanished."""
        code, _ = self._send(path, timeout_s, wait=path, present=present).wait()
        if code != 0:
            raise AssertionError(f"{path} did not {'appear' if present else 'vanish'}:\n{self.shell('dmesg | tail -n 30')[1]}")

    def _read_file(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self):
        """What qemu and the kernel have said."""
        return self._read_file("qemu.log") + self._read_file("console.log")

    def end(self):
        self.process.kill()             # nothing of it is worth saving
        self.process.wait()
        self._reader.join()
        self._socket.close()
