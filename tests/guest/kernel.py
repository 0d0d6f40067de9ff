# SPDX-License-Identifier: MIT
"""Debian's stock kernel and an initramfs for the guest, made once and kept in the build folder."""
import glob
import lzma
import os
import re
import shutil
import subprocess

META_PACKAGE = "linux-image-amd64"      # the cloud kernel has neither USB nor 9p
MODULES = ("virtio_pci", "9pnet_virtio", "9p", "xhci_pci", "uhci_hcd", "cdc_acm")
XZ_MAGIC = b"\xfd7zXZ\x00"
BUSYBOX = "/bin/busybox"
COMMAND_TIMEOUT_S = 120


class Unavailable(Exception):
    """The kernel cannot be had here; the text is one line for a person."""


def _run(*command, **keywords):
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=COMMAND_TIMEOUT_S, **keywords).stdout
    except FileNotFoundError as err:
        raise Unavailable(f"{command[0]} is not installed") from err
    except subprocess.SubprocessError as err:
        said = (getattr(err, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise Unavailable(f"{' '.join(command)}: {said[-1] if said else err}") from err


def _download(folder):
    """The kernel's .deb: the cached one, or else the one behind the meta package."""
    cached = glob.glob(os.path.join(folder, "linux-image-*.deb"))
    if cached:
        return cached[0]
    name = re.search(r"Depends: (linux-image-\d\S*-amd64)\b", _run("apt-cache", "depends", META_PACKAGE).decode())
    if not name:
        raise Unavailable(f"apt knows no package behind {META_PACKAGE}; run apt-get update")
    part = os.path.join(folder, "download")
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    _run("apt-get", "download", name[1], cwd=part)
    deb, = glob.glob(os.path.join(part, "*.deb"))
    return shutil.move(deb, folder)


def _unpack(deb, root):
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    _run("sh", "-c", 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --wildcards "./boot/vmlinuz-*" "./lib/modules/*/modules.*" '
         '"./lib/modules/*/kernel/drivers/usb/*" "./lib/modules/*/kernel/drivers/virtio/*" "./lib/modules/*/kernel/net/9p/*" '
         '"./lib/modules/*/kernel/fs/*"', "sh", deb, root)


def _module_files(root, version):
    """Every module that MODULES need, in an order in which insmod takes them."""
    _run("depmod", "-b", root, version)
    files = []
    for module in MODULES:
        for line in _run("modprobe", "-d", root, "-S", version, "--show-depends", module).decode().splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in files:
                files.append(words[1])
    return files


def _raw_elf(vmlinuz):
    """The ELF inside: it starts by PVH in half of the time."""
    with open(vmlinuz, "rb") as file:
        content = file.read()
    at = content.find(XZ_MAGIC)
    if at < 0:
        raise Unavailable(f"{os.path.basename(vmlinuz)} is not packed by xz")
    return lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(content[at:])


def _entry(name, mode, content=b""):
    """One member of a cpio archive in the "newc" form: kernel documentation, early-userspace/buffer-format."""
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def _initramfs(modules):
    here = os.path.dirname(os.path.abspath(__file__))
    archive = [_entry(folder, 0o040755) for folder in ("bin", "dev", "host", "modules", "proc", "sys")]
    files = [("bin/busybox", BUSYBOX), ("init", os.path.join(here, "init"))]
    files += [(f"modules/{i:02}-{os.path.basename(path)}", path) for i, path in enumerate(modules)]
    for name, path in files:
        with open(path, "rb") as file:
            archive.append(_entry(name, 0o100755, file.read()))
    archive.append(_entry("bin/sh", 0o120777, b"busybox"))
    archive.append(_entry("TRAILER!!!", 0))
    return b"".join(archive)


def _write(path, content):
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.replace(path + ".part", path)


def prepare(folder):
    """(kernel, initramfs) as file names; Unavailable if this machine cannot have them."""
    kernel, initramfs, root = (os.path.join(folder, name) for name in ("vmlinux", "initramfs", "root"))
    if not shutil.which("qemu-system-x86_64"):
        raise Unavailable("qemu-system-x86_64 is not installed")
    if not os.path.exists(BUSYBOX):
        raise Unavailable("busybox-static is not installed")
    os.makedirs(folder, exist_ok=True)
    if not (os.path.exists(kernel) and os.path.isdir(root)):
        _unpack(_download(folder), root)
        _write(kernel, _raw_elf(*glob.glob(os.path.join(root, "boot", "vmlinuz-*"))))
    version, = os.listdir(os.path.join(root, "lib", "modules"))
    _write(initramfs, _initramfs(_module_files(root, version)))
    return kernel, initramfs
