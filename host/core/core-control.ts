// SPDX-License-Identifier: Apache-2.0
// The typed core's control plane: activation, the configuration, rotation, the lease. Before:
// core-streams.ts. After: core.ts; a host with a disk or flash. PROTOCOL section 10.

import { CoreStreams } from "./core-streams.ts";

/** Sections of a configuration. */
export const ConfigSection = { Connectors: 0, Peers: 1, Routes: 2 } as const;

/** Phases of `controlState`. */
export const ControlPhase = { None: 0, Activating: 1, Activated: 2 } as const;

export type ControlView = {
  phase: number;
  /** Reason (13.2) of the Commander's last refusal, or 0. */
  refused: number;
  leaseExpired: boolean;
  byRecoveryKey: boolean;
  /** A peer's key has changed unannounced: `peerChanged` says whose. */
  peerKeyChanged: boolean;
};

/** What a host is: its platform, and a device's board and firmware. */
export type About = { platform: string; board?: string; version?: string };

export class CoreControl extends CoreStreams {
  /** Where activation stands, and what the Commander and the lease say. */
  controlState(): ControlView {
    const word = this.f.control_state();
    return {
      phase: word & 0xff,
      refused: (word >> 8) & 0xff,
      leaseExpired: (word & 0x10000) !== 0,
      byRecoveryKey: (word & 0x20000) !== 0,
      peerKeyChanged: (word & 0x40000) !== 0,
    };
  }

  /**
   * What the Commander is told of this host (ABOUT, 10.1): the SHA-256 of the core's file, and what it runs on.
   * The texts have 62 bytes together at most. After `start`.
   */
  setAbout(hash: Uint8Array, { platform, board = "", version = "" }: About): void {
    const text = new TextEncoder().encode([platform, board, version].join("\0"));
    this.put(hash, text);
    this.check("about_set", this.f.about_set(hash.length + text.length));
  }

  /**
   * Takes an activation code; returns what the next hop shows. To be called again before each such
   * hop. Throws CoreError: BadCode, BadState (activated already).
   */
  loadCode(code: Uint8Array): { connectorKey: Uint8Array; ticket: Uint8Array } {
    this.engine.write(this.f.config_ptr(), code);
    this.check("code_load", this.f.code_load(code.length));
    const shown = this.engine.read(this.arg, 104);
    return { connectorKey: shown.slice(0, 32), ticket: shown.slice(64) };
  }

  /** Puts what was stored into force, before the first hop. Throws CoreError: BadConfig. */
  loadConfiguration(stored: Uint8Array): void {
    this.engine.write(this.f.config_ptr(), stored);
    this.check("config_load", this.f.config_load(stored.length));
  }

  /** What is to be stored now (CoreFlag.WantsStore), a copy; empty when there is nothing. */
  pendingConfiguration(): Uint8Array {
    return this.engine.read(this.f.config_ptr(), this.f.config_len());
  }

  /** What was asked for is on flash, or could not be put there. */
  configurationStored(ok = true): void {
    this.check("config_stored", this.f.config_stored(ok ? 1 : 0));
  }

  /** The entries of a section of the configuration in force, copies; their bytes are those of 10.3. */
  configurationEntries(section: (typeof ConfigSection)[keyof typeof ConfigSection]): Uint8Array[] {
    return Array.from({ length: this.f.config_count(section) }, (_, i) => {
      const at = this.f.config_entry(section, i);
      return this.engine.read(at, this.f.config_entry_len());
    });
  }

  /** True while a configured peer's pinned Routes refuse, because its key changed unannounced (T12). */
  peerChanged(index: number): boolean {
    return this.check("peer_changed", this.f.peer_changed(index)) === 1;
  }

  /** Confirms that peer's key; CoreFlag.WantsStore follows. Throws CoreError: BadState (later). */
  confirmPeer(index: number): void {
    this.check("peer_confirm", this.f.peer_confirm(index));
  }

  /** The Commander's next REPORT says why something of the host's failed: a status. */
  report(status: number): void {
    this.check("control_report", this.f.control_report(status));
  }

  /** Tells the Commander of a new key pair, which has been stored beside the present one. */
  rotate(privateKey: Uint8Array, publicKey: Uint8Array): void {
    this.put(privateKey, publicKey);
    this.check("rotate", this.f.rotate());
  }

  /** What is left of the lease, milliseconds, to be saved hourly; Infinity: it never ends. */
  leaseLeftMs(): number {
    const units = this.f.lease_left();
    return units === 0x7fffffff ? Number.POSITIVE_INFINITY : units * 1024;
  }

  /** Sets what was left when it was saved, after `loadConfiguration`. */
  setLeaseLeftMs(ms: number): void {
    this.check("lease_set", this.f.lease_set(Math.floor(Math.min(ms / 1024, 0x7fffffff))));
  }
}
