// SPDX-License-Identifier: Apache-2.0
// The kinds of field that the Commander's objects are made of. An object has one form everywhere: as the API
// takes it, as it is stored and audited, and, with names for ids, as it is exported; so ids, keys and hashes
// are lower-case hexadecimal, and durations and sizes stay as they are written. Secrets alone are bytes.
// Before it: service/fields.ts. After it: route.ts, template.ts, ... which put objects together.

import * as z from "zod";
import { eachOnce, keyField, nameField } from "../../service/fields.ts";

/** 32 hexadecimal digits: 16 random bytes. PROTOCOL section 1. */
export type Id = string;
/** 64 hexadecimal digits: an X25519 public key. */
export type Key = string;

/** How an object names another: by id, or in an exported file by name. */
export type Reference = z.ZodType<string, string>;

export const idReference: Reference = z
  .string()
  .regex(/^(?!0*$)[0-9a-f]{32}$/, "is not an id: 32 hexadecimal digits in lower case.");

export const nameReference: Reference = nameField;

/** A public key, kept in lower case. */
export const keyText = z
  .string()
  .superRefine((text, context) => {
    for (const { message } of keyField.safeParse(text).error?.issues ?? []) {
      context.addIssue({ code: "custom", message });
    }
  })
  .overwrite((text) => text.toLowerCase())
  .meta({ pattern: "^[0-9a-fA-F]{64}$" });

/** Text for people, of some lines; no other control characters, which a terminal would obey. */
export function textField(most: number) {
  return z
    .string()
    .max(most)
    .regex(/^(?:\P{Cc}|\n|\t)*$/u, "holds control characters: leave them out.")
    .default("");
}

/** What every object has beside its id. */
export const commonFields = {
  name: nameField.describe("What you call it; unique among its kind."),
  description: textField(1000).describe("What it is for."),
};

export function tagsField(reference: Reference) {
  return eachOnce(reference, 64).describe("Its Tags.");
}
