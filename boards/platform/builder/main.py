# SPDX-License-Identifier: Apache-2.0
# Builds native, virt-rv32 and virt-rv32-aot by scripts/build-firmware.ts, which has the one list of
# sources and flags and compiles only what has changed. Before it: platformio.ini. After it: the program
# or image in build/pio/build/ENV. A core that is missing or old is built first. PlatformIO's size check
# is left out: the linker script has the limits.

import os
import shutil
import subprocess
import sys

from SCons.Script import AlwaysBuild, Default, DefaultEnvironment

env = DefaultEnvironment()
root = env.subst("$PROJECT_DIR")
node = os.path.join(root, "node_modules", ".bin", "node")

env.Replace(PROGNAME="firmware", PROGSUFFIX="" if env.subst("$PIOENV") == "native" else ".elf")


def run(*args):
    """Runs a script of the project, shows what it prints, and returns its last line; None: it failed."""
    with subprocess.Popen([node, *args], cwd=root, stdout=subprocess.PIPE, text=True) as script:
        last = ""
        for line in script.stdout:
            sys.stdout.write(line)
            last = line.strip()
    return last if script.returncode == 0 else None


def build(target, source, env):
    if not os.path.exists(node):
        sys.stderr.write("Error: the project's tools are not installed; run first: npm ci\n")
        return 1
    if run("scripts/build.ts", "--if-needed") is None:
        return 1
    made = run("scripts/build-firmware.ts", env.subst("$PIOENV"))
    if made is None:
        return 1
    shutil.copy(made, str(target[0]))
    return 0


# What is old, the script knows better than PlatformIO.
program = AlwaysBuild(env.Command("$PROGPATH", [], env.VerboseAction(build, "Building $TARGET")))
env.Alias("buildprog", program, program)
Default("buildprog")
