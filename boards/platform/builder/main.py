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
target = env.subst("$PIOENV")
node = os.path.join(root, "node_modules", ".bin", "node")
# A program; or the image for QEMU's flash, with its symbols beside it.
suffixes = [""] if target == "native" else [".bin", ".elf"]
made = os.path.join(root, "build", "firmware", target, "sealedtunnel-device")

env.Replace(PROGNAME="firmware", PROGSUFFIX=suffixes[0])


def run(*args):
    return subprocess.call([node, *args], cwd=root) == 0


def build(target, source, env):
    if not os.path.exists(node):
        sys.stderr.write("Error: the project's tools are not installed; run first: npm ci\n")
        return 1
    sys.stdout.flush()
    if not run("scripts/build.ts", "--if-needed"):
        return 1
    if not run("scripts/build-firmware.ts", env.subst("$PIOENV")):
        return 1
    for suffix in suffixes:
        shutil.copy(made + suffix, os.path.join(env.subst("$BUILD_DIR"), "firmware" + suffix))
    return 0


# What is old, the script knows better than PlatformIO.
program = AlwaysBuild(env.Command("$PROGPATH", [], env.VerboseAction(build, "Building $TARGET")))
env.Alias("buildprog", program, program)
Default("buildprog")
