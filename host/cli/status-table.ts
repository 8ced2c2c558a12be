// SPDX-License-Identifier: Apache-2.0
// A status as tables for people. Before it: status.ts has asked a process. After it: a terminal. Columns
// are as wide as what is in them; "-" stands for what is not known.

import type { ConnectorStatus } from "../connector/status.ts";
import type { StlinkStatus } from "../stlink/status.ts";
import type { AnyStatus } from "./status.ts";

type Cell = string | number | null;

/** The text of a status, a few tables. */
export function statusTable(status: AnyStatus): string {
  const { version, pid, file, upSeconds } = status;
  const head = `${status.role ?? "starting"}  ${file}  pid ${pid}  up ${span(upSeconds)}  version ${version}`;
  if (status.role === "stlink") return [head, ...stlinkTables(status)].join("\n");
  if (status.role === "connector") return [head, ...connectorTables(status)].join("\n");
  return head;
}

function stlinkTables(status: StlinkStatus): string[] {
  const { id, streams, dropped } = status;
  return [
    `id ${/^0+$/.test(id) ? "none yet" : id}  public key ${status.publicKey}  core under ${status.engine}`,
    ...commanderLines(status),
    table(
      ["CONNECTOR", "ADDRESS", "HOP", "IN", "OUT", "ROUND TRIP", "SUSPECT", "PQ", "LAST ERROR"],
      status.connectors.map((one) => [
        one.name,
        one.address,
        one.hop,
        size(one.bytesIn),
        size(one.bytesOut),
        ms(one.roundTripMs),
        one.suspected,
        one.pqAuthentication,
        one.lastError,
      ]),
    ),
    table(
      [
        "PEER",
        "SESSION",
        "OVER",
        "ROUND TRIP",
        "LOAD",
        "PQ-AUTHENTICATION",
        "FINGERPRINT",
        "DROPPED",
      ],
      status.peers.map((one) => [
        one.name,
        one.session,
        one.connector,
        ms(one.roundTripMs),
        `${one.load}/16`,
        one.pqAuthentication,
        one.hasNewKey ? `${one.fingerprint} NEW KEY: compare, then confirm` : one.fingerprint,
        one.lastError === null ? one.dropped : `${one.dropped} (${one.lastError})`,
      ]),
    ),
    routeTable(
      "BINDING",
      "LISTENS ON",
      status.bindings.map((one) => ({ ...one, where: one.listening.join(" ") })),
    ),
    routeTable(
      "MAPPING",
      "TARGET",
      status.mappings.map((one) => ({ ...one, where: one.target })),
    ),
    `streams ${streams.open} of ${streams.most}  dropped: ${counts(dropped)}`,
  ];
}

/** Nothing for an STLink that runs from a file. */
function commanderLines({ commander }: StlinkStatus): string[] {
  if (commander === null) return [];
  const { id, phase, session, version, hash, leaseLeftSeconds, refused, lastError } = commander;
  const lease = leaseLeftSeconds === null ? "never ends" : `${span(leaseLeftSeconds)} left`;
  return [
    `Commander ${id ?? "-"}  ${phase}  session ${session}${commander.byRecoveryKey ? " by its RECOVERY KEY" : ""}`,
    `configuration ${version ?? "none"}  hash ${hash ?? "-"}  lease ${commander.leaseExpired ? "EXPIRED: nobody is served" : lease}`,
    ...(refused === null ? [] : [`refused: ${refused}`]),
    ...(lastError === null ? [] : [`last error: ${lastError}`]),
  ];
}

type Route = Omit<StlinkStatus["mappings"][number], "target"> & {
  where: string;
  refused?: Readonly<Record<string, number>>;
};

function routeTable(title: string, where: string, routes: readonly Route[]): string {
  const header = [title, where, "", "PEERS", "OPEN", "TOTAL", "FAILED", "IN", "OUT", "LAST ERROR"];
  const rows = routes.map((one) => [
    one.name,
    one.where,
    one.protocol,
    one.peers.join(" "),
    one.open,
    one.total,
    failures(one),
    size(one.bytesIn),
    size(one.bytesOut),
    one.lastError,
  ]);
  return table(header, rows);
}

/** Those that an access list has refused beside those that failed. */
function failures({ failed, refused = {} }: Route): Cell {
  const sum = Object.values(refused).reduce((total, count) => total + count, 0);
  return sum === 0 ? failed : `${failed}, ${sum} refused`;
}

/** Rows of a table of STLinks; the JSON has them all. */
const STLINKS_SHOWN = 50;

function connectorTables(status: ConnectorStatus): string[] {
  const { packetsIn, packetsOut, bytesIn, bytesOut, halfOpen, tenants, stlinks } = status;
  const shown = busiest(stlinks);
  const hidden = stlinks.length - shown.length;
  const states = status.isDraining ? "  draining: it stops in a moment" : "";
  return [
    `public key ${status.publicKey}  listens on ${status.listening.join(" ")}${states}`,
    table(
      ["STLINK", "TENANT", "HOP", "FROM", "PQ", "PACKETS IN", "OUT", "BYTES IN", "OUT"],
      shown.map((one) => [
        one.name,
        one.tenant,
        one.hop,
        one.from,
        one.pqAuthentication,
        one.packetsIn,
        one.packetsOut,
        size(one.bytesIn),
        size(one.bytesOut),
      ]),
    ),
    ...(hidden > 0 ? [`and ${hidden} more, less busy: "sealed status --json" has all`] : []),
    ...queueTable(shown),
    table(
      ["TENANT", "STLINKS", "UP", "VERSION OF ITS LIST"],
      tenants.map((one) => [one.name, one.stlinks, one.up, one.commander?.version ?? one.version]),
    ),
    ...commanderTable(tenants),
    ...reasonTables(status),
    "",
    `packets in ${packetsIn} (${size(bytesIn)})  out ${packetsOut} (${size(bytesOut)})  replaced ${status.replaced}`,
    `hops admitted ${status.hopsAdmitted}  half-open ${halfOpen.now} of ${halfOpen.most}  paused ${status.pauses}  mutes ${status.mutes}`,
    `alarms: ${counts(status.alarms)}`,
  ];
}

/** Nothing where files alone decide. */
function commanderTable(tenants: ConnectorStatus["tenants"]): string[] {
  const rows = tenants.flatMap(({ name, commander }) => {
    if (commander === null) return [];
    const { id, hop, role, isSuspended, customers, codes } = commander;
    return [[id, name, hop, isSuspended ? "SUSPENDED" : role, customers, codes]];
  });
  if (rows.length === 0) return [];
  return [table(["COMMANDER", "OF TENANT", "HOP", "ROLE", "CUSTOMERS", "OPEN CODES"], rows)];
}

/** The STLinks with the fullest queues, then those that move most. */
function busiest(stlinks: ConnectorStatus["stlinks"]): ConnectorStatus["stlinks"] {
  if (stlinks.length <= STLINKS_SHOWN) return stlinks;
  const order = stlinks.toSorted(
    (a, b) => b.queue.bytes - a.queue.bytes || b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut,
  );
  return order.slice(0, STLINKS_SHOWN);
}

/** Queues with something in them. */
function queueTable(stlinks: ConnectorStatus["stlinks"]): string[] {
  const waiting = stlinks.filter(({ queue }) => queue.packets > 0);
  if (waiting.length === 0) return ["\nall queues are empty"];
  const rows = waiting.map(({ name, queue }) => [
    name,
    queue.packets,
    size(queue.bytes),
    size(queue.most),
    queue.oldestMs === null ? null : `${(queue.oldestMs / 1000).toFixed(1)} s`,
  ]);
  return [table(["QUEUE OF", "PACKETS", "BYTES", "OF", "OLDEST"], rows)];
}

/** What was refused: packets by reason with their senders, hops by reason. */
function reasonTables({ refused, hopsRefused, stlinks }: ConnectorStatus): string[] {
  const packets = Object.entries(refused).map(([reason, most]) => {
    const senders = stlinks.filter((one) => (one.refused[reason] ?? 0) > 0);
    const order = senders.toSorted((a, b) => (b.refused[reason] ?? 0) - (a.refused[reason] ?? 0));
    const named = order.slice(0, SENDERS_SHOWN).map((one) => `${one.name} ${one.refused[reason]}`);
    return [reason, most, named.join(", ") + (order.length > SENDERS_SHOWN ? ", ..." : "")];
  });
  const hops = Object.entries(hopsRefused).map(([reason, most]) => [reason, most]);
  return [
    packets.length === 0 ? "\nno packets refused" : table(REFUSED_HEADER, packets),
    hops.length === 0 ? "no hops refused" : table(["HOPS REFUSED OR ENDED", "COUNT"], hops),
  ];
}

const REFUSED_HEADER = ["PACKETS REFUSED", "COUNT", "SENDERS"];
const SENDERS_SHOWN = 3;

/** Nothing for a table without rows. */
function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return `no ${header[0]?.toLowerCase()}s`;
  const lines = [header, ...rows.map((row) => row.map((cell) => String(cell ?? "-")))];
  const widths = header.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const text = lines.map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  "));
  return `\n${text.map((line) => line.trimEnd()).join("\n")}`;
}

function counts(named: Readonly<Record<string, number>>): string {
  const parts = Object.entries(named).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}

function ms(value: number | null): string | null {
  return value === null ? null : `${value.toFixed(1)} ms`;
}

function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KiB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** `90 s`, `3 min`, `47 h`, `7 days`: rounded down. */
export function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
