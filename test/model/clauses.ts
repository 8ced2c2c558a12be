// SPDX-License-Identifier: Apache-2.0
// Honest sides and attacker as Horn clauses in TPTP form, after handshakes.ts and before prover.ts.
// `att(t)`: the attacker can know t while handshakes run; `late(t)`: he can know it afterwards, when
// more has leaked. a and b are honest, c is the attacker's own. Any number of handshakes runs at
// once: what a side makes is named by what it had received (er, w) or by its peer (ei, d), and one
// name for several handshakes only helps the attacker. No clause set limits rounds or term depth.

import { type Pattern, transcript, type View } from "./handshakes.ts";

export type Setting = {
  pattern: Pattern;
  /** hop: the responder learns who it is from message 3; conn: inside a session of layer 2. */
  layer: "hop" | "link" | "conn";
  /** More that the attacker knows, as terms, or what he can break. See `BREAKS`. */
  now?: readonly string[];
  later?: readonly string[];
  /** Static public keys that nobody has told him; then a starts handshakes with b alone. */
  hidesA?: boolean;
  /** conn: what the prologue says of the session that carries it. */
  bound?: boolean;
  /** conn: whether messages travel inside that session. */
  carried?: boolean;
  /** A responder that takes its session before message 3. */
  takesEarly?: boolean;
};

/** A broken primitive: the private half of every public half that he sees. */
const BREAKS: Record<string, string> = { x25519: "pk", kem: "ek" };

const HONEST = ["a", "b"] as const;
const ALL = ["a", "b", "c"] as const;
const PAIRS = ALL.flatMap((x) => ALL.filter((y) => y !== x).map((y) => [x, y] as const));

/** The clause "all of `from` imply `to`"; without `to` it is the question whether all are reachable. */
export function clause(from: readonly string[], to?: string): string {
  const literals = [...from.map((atom) => `~${atom}`), ...(to === undefined ? [] : [to])];
  return `cnf(c,axiom,(${literals.join("|")})).`;
}

/** The protocol and the attacker of a setting, one clause each. */
export function clausesOf(setting: Setting): string[] {
  return [
    ...["att", "late"].flatMap(deductions),
    clause(["att(X)"], "late(X)"),
    // X25519 is commutative: dh is written in the order of the roles otherwise.
    "cnf(c,axiom,dh(X,Y)=dh(Y,X)).",
    ...publicFacts(setting).map((term) => clause([], `att(${term})`)),
    ...leaks("att", setting.now ?? []),
    ...leaks("late", setting.later ?? []),
    ...PAIRS.filter(([x]) => isHonest(x)).flatMap(([x, y]) => initiator(setting, x, y)),
    ...PAIRS.filter(([, y]) => isHonest(y)).flatMap(([x, y]) => responder(setting, x, y)),
    ...differences(setting),
  ];
}

function isHonest(name: string): boolean {
  return HONEST.some((honest) => honest === name);
}

/** What can be computed. An exponent, a KEM key and its randomness of his own have one name each. */
function deductions(known: string): string[] {
  const rule = (from: string[], to: string): string =>
    clause(
      from.map((term) => `${known}(${term})`),
      `${known}(${to})`,
    );
  return [
    rule(["X", "pk(Y)"], "dh(X,Y)"),
    rule(["ek(D)"], "ct(D,wc)"),
    rule(["ek(D)"], "ss(D,wc)"),
    rule(["D", "ct(D,W)"], "ss(D,W)"),
    rule(["D", "V"], "rej(D,V)"),
    rule(["X", "Y"], "kdf(X,Y)"),
    rule(["X", "Y"], "hash(X,Y)"),
    ...["key", "txi", "txr", "pskhash"].map((name) => rule(["X"], `${name}(X)`)),
    rule(["K", "H", "M"], "aead(K,H,M)"),
    rule(["K", "aead(K,H,M)"], "M"),
    rule(["X", "Y"], "both(X,Y)"),
    rule(["both(X,Y)"], "X"),
    rule(["both(X,Y)"], "Y"),
  ];
}

function publicFacts({ layer, hidesA = false, bound = false }: Setting): string[] {
  const setting = { layer, bound };
  return [
    ...["noise", "empty", "hello", "open", "accept", "sc", "xc", "pk(xc)", "dc", "ek(dc)", "wc"],
    ...(hidesA ? ["pk(sb)", "pk(sc)"] : ["pk(sa)", "pk(sb)", "pk(sc)"]),
    ...PAIRS.map(([x, y]) => prologue(setting, x, y)),
    ...PAIRS.filter((pair) => pair.some((x) => x === "c")).map(([x, y]) => psk(x, y)),
    ...PAIRS.filter((pair) => pair.some((x) => x === "c")).map(([x, y]) => linkKey(x, y)),
  ];
}

function leaks(known: string, what: readonly string[]): string[] {
  return what.map((leak) => {
    const publicHalf = BREAKS[leak];
    if (publicHalf === undefined) return clause([], `${known}(${leak})`);
    return clause([`${known}(${publicHalf}(X))`], `${known}(X)`);
  });
}

/** Section 3.2. A link names both ends, a hop nobody, a connection the session that carries it. */
function prologue(
  { layer, bound = false }: Pick<Setting, "layer" | "bound">,
  x: string,
  y: string,
) {
  if (layer === "hop" || (layer === "conn" && !bound)) return layer;
  return `${layer}_${x}${y}`;
}

function psk(x: string, y: string): string {
  return `psk_${[x, y].sort().join("")}`;
}

/** A session's key of one direction: what XK gave. */
function linkKey(from: string, to: string): string {
  return `linkkey_${from}${to}`;
}

/** A message on its way: open, or inside the session of the pair. */
function onWire({ layer, carried = false }: Setting, from: string, to: string, label: string) {
  return (terms: readonly string[]): string[] => {
    if (layer !== "conn" || !carried) return [...terms];
    const inside = terms.reduceRight((rest, term) => `both(${term},${rest})`);
    return [`aead(${linkKey(from, to)},${label},${inside})`];
  };
}

function learn(from: readonly string[], terms: readonly string[]): string[] {
  return terms.map((term) => clause(from, `att(${term})`));
}

function receive(terms: readonly string[]): string[] {
  return terms.map((term) => `att(${term})`);
}

/** `idone(x, y, responder's exponent, KEM secret, key)`; `iheard`: a record of y was opened too. */
function initiator(setting: Setting, x: string, y: string): string[] {
  if (setting.hidesA && x === "a" && y !== "b") return [];
  const dk = `d_${x}${y}`;
  const fixed = { prologue: prologue(setting, x, y), ei: `ei_${x}${y}`, er: "Z", dk };
  const own = { ...fixed, si: `s${x}`, sr: `s${y}`, psk: psk(x, y) };
  // Decapsulation never fails (H4): what is not for this key gives a secret of its own.
  const views: View[] = [
    { ...own, ct: `ct(${dk},W)`, ss: `ss(${dk},W)` },
    { ...own, ct: "V", ss: `rej(${dk},V)` },
  ];
  const first = transcript(setting.pattern, views[0] as View);
  const m1 = onWire(setting, x, y, "open")(first.messages[0] ?? []);
  return [
    ...learn([], [...m1, ...(first.hashes[0] ?? [])]),
    ...views.flatMap((view) => finishInitiator(setting, x, y, view)),
  ];
}

function finishInitiator(setting: Setting, x: string, y: string, view: View): string[] {
  const { messages, hashes, ck } = transcript(setting.pattern, view);
  const m2 = onWire(setting, y, x, "accept")(messages[1] ?? []);
  const args = `${x},${y},Z,${view.ss},${ck}`;
  return [
    clause(receive(m2), `idone(${args})`),
    ...learn([`idone(${args})`], [...(messages[2] ?? []), ...(hashes[2] ?? [])]),
    clause([`idone(${args})`, `att(aead(txr(${ck}),hello,empty))`], `iheard(${args})`),
  ];
}

/** `rdone(y, x, initiator's exponent, its KEM key, key)`. A hop's responder makes `er` for anyone. */
function responder(setting: Setting, x: string, y: string): string[] {
  const names = `${y},${setting.layer === "hop" ? "any" : x},X,D`;
  const ends = { ei: "X", er: `er(${names})`, si: `s${x}`, sr: `s${y}`, psk: psk(x, y), dk: "D" };
  const kem = { ct: `ct(D,w(${names}))`, ss: `ss(D,w(${names}))` };
  const view = { prologue: prologue(setting, x, y), ...ends, ...kem };
  const { messages, hashes, ck } = transcript(setting.pattern, view);
  const m1 = onWire(setting, x, y, "open")(messages[0] ?? []);
  const m2 = onWire(setting, y, x, "accept")(messages[1] ?? []);
  const begun = `begun(${names})`;
  const done = `rdone(${y},${x},X,D,${ck})`;
  const m3 = setting.takesEarly ? [] : receive(messages[2] ?? []);
  return [
    clause(receive(m1), begun),
    ...learn([begun], [...m2, ...(hashes[1] ?? [])]),
    clause([begun, ...m3], done),
    ...learn([done], [`aead(txr(${ck}),hello,empty)`]),
  ];
}

/** What is not the value that the honest peer made in the same handshake: `other_…(value)`. */
function differences({ layer }: Setting): string[] {
  const exponents = [...["sa", "sb", "sc", "xc"], ...honestNames("ei_")];
  const keys = ["dc", ...honestNames("d_")];
  const peer = layer === "hop" ? "any" : "a";
  const elsewhere = [...ALL, "any"].flatMap((u) => ALL.map((v) => [v, u] as const));
  const wrongNames = elsewhere.filter(([v, u]) => v !== "b" || u !== peer);
  const fresh = (name: string, other: string): string[] => [
    ...wrongNames.map(([v, u]) => clause([], `${other}(${name}(${v},${u},X,D))`)),
    clause(["other_ei(X)"], `${other}(${name}(b,${peer},X,D))`),
    clause(["other_dk(D)"], `${other}(${name}(b,${peer},X,D))`),
  ];
  return [
    ...exponents.filter((e) => e !== "ei_ab").map((e) => clause([], `other_ei(${e})`)),
    clause([], "other_ei(er(U,V,X,D))"),
    ...keys.filter((d) => d !== "d_ab").map((d) => clause([], `other_dk(${d})`)),
    ...exponents.map((e) => clause([], `other_er(${e})`)),
    ...fresh("er", "other_er"),
    clause([], "other_ss(rej(D,V))"),
    clause([], "other_ss(ss(D,wc))"),
    clause(["other_w(W)"], "other_ss(ss(D,W))"),
    ...fresh("w", "other_w"),
  ];
}

function honestNames(prefix: string): string[] {
  return PAIRS.filter(([x]) => isHonest(x)).map(([x, y]) => `${prefix}${x}${y}`);
}
