// SPDX-License-Identifier: Apache-2.0
// A Route: a Mapping says where an STLink sends what it receives, a Binding where it listens, and which
// Mapping that leads to. Before it: check.ts. After it: templates and profiles, without which a Route does
// nothing. What addresses are allowed is stlink/addresses.ts, for files and here alike: a public Mapping is
// refused; a Binding beyond loopback needs its owner's word (`exposes`) for exactly what it exposes.

import * as z from "zod";
import {
  durationText,
  formatAddress,
  portField,
  protocolField,
  sizeText,
  sourcesField,
} from "../../service/fields.ts";
import { bindingRefusal, exposureOf, mappingRefusal } from "../../stlink/addresses.ts";
import { ADDRESS_BYTES_MOST } from "../../stlink/configuration.ts";
import { checked } from "./check.ts";
import {
  commonFields,
  type Id,
  idReference,
  type Reference,
  tagsField,
  textField,
} from "./fields.ts";
import { subjectOf } from "./kinds.ts";
import { fieldProblem, type Problem, type Result, resultOf } from "./problem.ts";

/** An address by one of the shared rules, within what a configuration can carry (10.3). */
function addressText(refusalOf: (address: string) => string | null) {
  return z.string().superRefine((address, context) => {
    const bytes = Buffer.byteLength(address);
    const tooLong = `has ${bytes} bytes, and a configuration carries ${ADDRESS_BYTES_MOST}: shorten it.`;
    const message = bytes > ADDRESS_BYTES_MOST ? tooLong : refusalOf(address);
    if (message !== null) context.addIssue({ code: "custom", message });
  });
}

function routeFields(reference: Reference) {
  return {
    ...commonFields,
    tags: tagsField(reference),
    protocol: protocolField.default("tcp").describe("What it carries."),
    pinned: z
      .boolean()
      .default(false)
      .describe("Whether it refuses a peer whose key changed until that is confirmed."),
    hold: durationText("0s", "24h")
      .default("120s")
      .meta({ examples: ["120s", "0s"] })
      .describe("How long a connection is held while the peer is not heard of."),
    idle: durationText("1s", "24h")
      .optional()
      .meta({ examples: ["60s"] })
      .describe("UDP: after so long without a datagram a source address is forgotten."),
    age: durationText("50ms", "10s")
      .optional()
      .meta({ examples: ["500ms"] })
      .describe("UDP: a datagram that could not be sent for so long is dropped."),
    flows: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe("UDP: source addresses at once, of a Binding, or of a Mapping for each peer."),
  };
}

export function mappingSchema(reference: Reference) {
  return z.strictObject({
    ...routeFields(reference),
    type: z.literal("mapping").default("mapping"),
    address: addressText(mappingRefusal)
      .meta({ examples: ["192.168.0.1", "camera.local", "::1"] })
      .describe(
        "Where the service is: a loopback or private IP address, or a host name. Never public.",
      ),
    port: portField.describe("The service's port."),
  });
}

const access = z
  .strictObject({
    sources: sourcesField.describe("Networks whose machines may use it. Empty: all that reach it."),
    connections: z.int().min(1).max(65_535).optional().describe("Connections at once, at most."),
    rate: sizeText("1KiB", "1GiB")
      .optional()
      .meta({ examples: ["1MiB"] })
      .describe("Bytes in a second, at most."),
  })
  .prefault({})
  .describe("Who may use it, and how much.");

export function bindingSchema(reference: Reference) {
  return z.strictObject({
    ...routeFields(reference),
    type: z.literal("binding").default("binding"),
    mapping: reference.describe("The Mapping that it leads to."),
    address: addressText(bindingRefusal)
      .default("127.0.0.1")
      .meta({ examples: ["127.0.0.1", "eth0", "all"] })
      .describe('Where it listens: loopback, a private address, an interface\'s name, or "all".'),
    port: portField.describe("The port that it listens on."),
    help: textField(2000).describe("What people who use it should know."),
    access,
    exposes: z
      .string()
      .optional()
      .meta({ examples: ["tcp eth0:443"] })
      .describe('Where it listens beyond loopback, said again: "tcp eth0:443".'),
  });
}

export type MappingFields = z.output<ReturnType<typeof mappingSchema>>;
export type BindingFields = z.output<ReturnType<typeof bindingSchema>>;
export type RouteFields = MappingFields | BindingFields;
export type Mapping = MappingFields & { id: Id };
export type Binding = BindingFields & { id: Id };
export type Route = Mapping | Binding;

const typeSchema = z.looseObject({ type: z.enum(["mapping", "binding"]).describe("What it is.") });
/** Mappings, and Bindings, as the API and the store have them: others by id. */
export const mappingById = mappingSchema(idReference);
export const bindingById = bindingSchema(idReference);

/** A Route by itself; what it names is looked at by referenceProblems. */
export function checkRoute(value: unknown): Result<RouteFields> {
  const typed = checked("route", typeSchema, value);
  if (!typed.ok) return typed;
  const isMapping = typed.value.type === "mapping";
  const route: Result<RouteFields> = checked("route", isMapping ? mappingById : bindingById, value);
  return route.ok ? resultOf(route.value, routeProblems(route.value)) : route;
}

/** What is wrong with a Route whose fields are right one by one. */
export function routeProblems(route: RouteFields): Problem[] {
  return [...datagramProblems(route), ...(route.type === "binding" ? exposureProblems(route) : [])];
}

const DATAGRAM_FIELDS = ["idle", "age", "flows"] as const;

/** What says something of datagrams alone is refused where none are carried. */
function datagramProblems(route: RouteFields): Problem[] {
  if (route.protocol === "udp") return [];
  const what = `is for UDP, and this Route carries ${route.protocol}: leave it out.`;
  const subject = subjectOf("route", route.name);
  return DATAGRAM_FIELDS.filter((field) => route[field] !== undefined).map((field) =>
    fieldProblem("Invalid", subject, [field], what),
  );
}

/** Who listens beyond loopback has to say so, in these words. */
export function exposedPlace(binding: BindingFields): string {
  const { protocol, address: host, port } = binding;
  return `${protocol} ${formatAddress({ host, port })}`;
}

/** Beyond loopback `exposes` has to say what the Binding exposes, as it is now; else it is absent. */
function exposureProblems(binding: BindingFields): Problem[] {
  const { name, address, exposes } = binding;
  const subject = subjectOf("route", name);
  const exposure = exposureOf(address);
  const place = exposedPlace(binding);
  if (exposure === null) {
    if (exposes === undefined) return [];
    const what = `says "${exposes}", and ${address} exposes nothing: leave it out.`;
    return [fieldProblem("Invalid", subject, ["exposes"], what)];
  }
  if (exposes === place) return [];
  const sentence = `${subject} ${exposure} If that is meant, say so: exposes is to be "${place}".`;
  return [{ code: "NeedsConfirmation", path: ["exposes"], sentence }];
}

/** A Route keeps its type: others refer to it as what it is. */
export function typeProblems(before: RouteFields, after: RouteFields): Problem[] {
  if (before.type === after.type) return [];
  const what = `was ${before.type}, and stays so: make another Route, of another name.`;
  return [fieldProblem("Invalid", subjectOf("route", after.name), ["type"], what)];
}

/** What stands around a Route: the one that it names, and the Bindings that name it. */
export type RouteNeighbours = {
  /** The one with the id in `mapping`; null: there is none. */
  mapping: RouteFields | null;
  bindings: readonly RouteFields[];
};

/** What is wrong with a Route beside others: its Mapping is one, protocols agree. */
export function neighbourProblems(route: RouteFields, around: RouteNeighbours): Problem[] {
  const invalid = (field: string, what: string) => [
    fieldProblem("Invalid", subjectOf("route", route.name), [field], what),
  ];
  if (route.type === "binding") return mappingProblems(route, around.mapping, invalid);
  const other = around.bindings.find(({ protocol }) => protocol !== route.protocol);
  if (other === undefined) return [];
  const what = `is ${route.protocol}, and the Binding "${other.name}" that leads to it is ${other.protocol}: change both together, or make another Mapping.`;
  return invalid("protocol", what);
}

function mappingProblems(
  { protocol }: BindingFields,
  mapping: RouteFields | null,
  invalid: (field: string, what: string) => Problem[],
): Problem[] {
  // That there is none has been said by referenceProblems.
  if (mapping === null) return [];
  if (mapping.type !== "mapping") {
    return invalid("mapping", `is "${mapping.name}", itself a Binding: name a Mapping.`);
  }
  if (mapping.protocol === protocol) return [];
  return invalid(
    "protocol",
    `is ${protocol}, and its Mapping "${mapping.name}" is ${mapping.protocol}.`,
  );
}
