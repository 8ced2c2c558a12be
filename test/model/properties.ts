// SPDX-License-Identifier: Apache-2.0
// What is asked of the two handshakes, beside what the answer has to be. PROTOCOL section 14 says the
// same in words. A property holds where no question can be reached; a limit is an attack that is
// known and stated; a mutation is a broken variant, on which the check has to find an attack.

import type { Setting } from "./clauses.ts";
import { NN, without, XK } from "./handshakes.ts";

export type Property = {
  kind: "reached" | "holds" | "limit" | "mutation";
  text: string;
  setting: Setting;
  /** Each a list of atoms. `holds`: none of them can be reached; otherwise at least one can. */
  goals: readonly (readonly string[])[];
};

const INITIATOR = "idone(a,b,Z,S,K)";
const HEARD = "iheard(a,b,Z,S,K)";
const RESPONDER = "rdone(b,a,X,D,K)";
const TRANSPORT_KEYS = ["late(txi(K))", "late(txr(K))"];

const SECRECY = [INITIATOR, RESPONDER].flatMap((done) => TRANSPORT_KEYS.map((key) => [done, key]));
/** What ends at one side is what the other made for the same handshake. */
const INITIATOR_AGREES = [
  [INITIATOR, "other_er(Z)"],
  [INITIATOR, "other_ss(S)"],
];
const HEARER_AGREES = [
  [HEARD, "other_er(Z)"],
  [HEARD, "other_ss(S)"],
];
const RESPONDER_AGREES = [
  [RESPONDER, "other_ei(X)"],
  [RESPONDER, "other_dk(D)"],
];
const AGREEMENT = [...INITIATOR_AGREES, ...RESPONDER_AGREES];
const FOUND_A = [["late(pk(sa))"]];
/** a believes to end at c and has b's ephemeral, in a handshake that b believes to be c's. */
const SPLICED = [["idone(a,c,er(b,c,X,D),S,K)"]];

const SESSION = ["linkkey_ab", "linkkey_ba"];
const IDENTITIES = ["sa", "sb", "psk_ab"];

export const PROPERTIES: readonly Property[] = [
  ...hopOrLink({ pattern: XK, layer: "hop" }),
  ...hopOrLink({ pattern: XK, layer: "link" }),
  ...connection({ pattern: NN, layer: "conn", bound: true, carried: true }),
  ...mutations(),
];

function hopOrLink(base: Setting): Property[] {
  return [...reached(base), ...secrecy(base), ...authentication(base), ...identity(base)];
}

function reached(base: Setting): Property[] {
  const ends = [[INITIATOR], [RESPONDER], ...(base.layer === "conn" ? [] : [[HEARD]])];
  return ends.map((goal) => ({
    kind: "reached",
    text: `${goal.join()}: the handshake can end so`,
    setting: base,
    goals: [goal],
  }));
}

function secrecy(base: Setting): Property[] {
  const ask = asker(base, SECRECY);
  return [
    ask("holds", "transport keys are secret", {}),
    ask("holds", "recorded; later X25519 broken, identity keys and PSK stolen", {
      later: ["x25519", ...IDENTITIES],
    }),
    ask("holds", "recorded; later ML-KEM broken, identity keys and PSK stolen", {
      later: ["kem", ...IDENTITIES],
    }),
    ask("holds", "in the path with ML-KEM broken", { now: ["kem"] }),
    ask("holds", "in the path with X25519 broken, PSK secret", { now: ["x25519"] }),
    ask("limit", "in the path with X25519 broken, no PSK", { now: ["x25519", "psk_ab"] }),
    ask("limit", "recorded; later both broken and the PSK stolen", {
      later: ["x25519", "kem", "psk_ab"],
    }),
  ];
}

function authentication(base: Setting): Property[] {
  const both = asker(base, AGREEMENT);
  const initiator = asker(base, INITIATOR_AGREES);
  const responder = asker(base, RESPONDER_AGREES);
  const heard = asker(base, [...HEARER_AGREES, ...RESPONDER_AGREES]);
  return [
    both("holds", "both sides agree on peer and handshake, without a PSK", { now: ["psk_ab"] }),
    both("holds", "the same with ML-KEM broken", { now: ["psk_ab", "kem"] }),
    initiator("holds", "own identity key stolen: initiator still knows its peer", {
      now: ["sa", "psk_ab"],
    }),
    responder("holds", "own identity key stolen: responder still knows its peer", {
      now: ["sb", "psk_ab"],
    }),
    heard("holds", "X25519 broken, PSK secret: agreed once a record has been opened", {
      now: ["x25519"],
    }),
    initiator("limit", "X25519 broken, PSK secret: agreed as soon as message 2", {
      now: ["x25519"],
    }),
    responder("limit", "X25519 broken, no PSK: responder knows its peer", {
      now: ["x25519", "psk_ab"],
    }),
    initiator("limit", "peer's identity key stolen: initiator knows its peer", { now: ["sb"] }),
  ];
}

function identity(base: Setting): Property[] {
  const ask = asker({ ...base, hidesA: true }, FOUND_A);
  return [
    ask("holds", "the initiator's identity is hidden", {}),
    ask("holds", "and stays so: later X25519 broken, responder's key and PSK stolen", {
      later: ["x25519", "sb", "psk_ab"],
    }),
    ask("holds", "and stays so: later ML-KEM broken, responder's key and PSK stolen", {
      later: ["kem", "sb", "psk_ab"],
    }),
    ask("limit", "identity hidden in the path with X25519 broken", { now: ["x25519"] }),
    ask("limit", "identity hidden from the responder's thief in the path", { now: ["sb"] }),
  ];
}

function connection(base: Setting): Property[] {
  const agree = asker(base, AGREEMENT);
  const secret = asker(base, SECRECY);
  return [
    ...reached(base),
    agree("holds", "both sides agree, by the session that carries it", {}),
    agree("holds", "the same with X25519 and ML-KEM broken", { now: ["x25519", "kem"] }),
    secret("holds", "recorded; later the session's keys stolen and X25519 broken", {
      later: [...SESSION, "x25519"],
    }),
    secret("holds", "recorded; later the session's keys stolen and ML-KEM broken", {
      later: [...SESSION, "kem"],
    }),
    asker(base, SPLICED)("holds", "c can't join its sessions with a and b into one stream", {}),
    secret("limit", "recorded; later the session's keys stolen and both broken", {
      later: [...SESSION, "x25519", "kem"],
    }),
    agree("limit", "in the path with the session's keys", { now: SESSION }),
  ];
}

function mutations(): Property[] {
  const xk = (tokens: string[], text: string, goals: Property["goals"], more: Partial<Setting>) =>
    asker({ pattern: without(XK, tokens), layer: "link" }, goals)("mutation", text, more);
  const conn: Setting = { pattern: NN, layer: "conn", bound: true, carried: true };
  const early: Setting = { pattern: XK, layer: "link", takesEarly: true };
  return [
    xk(["psk"], "no psk: X25519 broken in the path", RESPONDER_AGREES, { now: ["x25519"] }),
    xk(["e1", "ekem1"], "no ML-KEM: recorded, later X25519 broken", SECRECY, {
      later: ["x25519", "psk_ab"],
    }),
    xk(["ee"], "no ee: later ML-KEM broken, identity keys stolen", SECRECY, {
      later: ["kem", ...IDENTITIES],
    }),
    xk(["es"], "no es: initiator knows its peer", INITIATOR_AGREES, { now: ["psk_ab"] }),
    xk(["se"], "no se: responder knows its peer", RESPONDER_AGREES, { now: ["psk_ab"] }),
    asker(early, RESPONDER_AGREES)("mutation", "responder does not wait for message 3", {}),
    asker({ ...conn, carried: false }, AGREEMENT)("mutation", "NNhfs outside any session", {}),
    asker({ ...conn, bound: false }, SPLICED)("mutation", "prologue names no session: joined", {}),
  ];
}

function asker(base: Setting, goals: Property["goals"]) {
  return (kind: Property["kind"], text: string, more: Partial<Setting>): Property => ({
    kind,
    text,
    setting: { ...base, ...more },
    goals,
  });
}
