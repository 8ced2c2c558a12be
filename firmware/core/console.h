/* SPDX-License-Identifier: Apache-2.0
 *
 * The serial console: a person's line becomes an act and an answer. Before it: device.cpp, in each
 * turn. After it: port.h's records, device.h's status. `help` lists the commands.
 *
 * A line is not echoed (a terminal does that) and no answer repeats it, since it may hold a secret.
 * A backspace takes the last character back, Ctrl-C or Ctrl-U the line. `provision` is written by
 * host/device/serial-session.ts: a record's name, bytes and CRC-32, then lines of its bytes in hex.
 */
#ifndef SEALEDTUNNEL_CONSOLE_H
#define SEALEDTUNNEL_CONSOLE_H

/** Takes what was typed, and does what a whole line says. */
void console_turn();

#endif
