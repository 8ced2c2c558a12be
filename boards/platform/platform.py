# SPDX-License-Identifier: Apache-2.0
# The local PlatformIO platform of the environments native, virt-rv32 and virt-rv32-aot. Before it:
# platformio.ini (platform = symlink://boards/platform). After it: builder/main.py. It has no packages,
# so PlatformIO's registry is never asked.

from platformio.platform.base import PlatformBase


class SealedtunnelPlatform(PlatformBase):
    def is_embedded(self):
        # PlatformIO asks this to choose how a program is started; the machine of QEMU is no board.
        return False
