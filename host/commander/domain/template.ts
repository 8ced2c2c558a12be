// SPDX-License-Identifier: Apache-2.0
// A Template: a named set of Routes, assigned to STLinks. Before it: route.ts. After it: deployment.ts. Change
// it and every STLink that has it changes.

import * as z from "zod";
import { eachOnce } from "../../service/fields.ts";
import { checked } from "./check.ts";
import { commonFields, type Id, idReference, type Reference, tagsField } from "./fields.ts";
import type { Result } from "./problem.ts";

/** As many Routes as a configuration could carry (10.3 counts to 65,535, its bytes end far before). */
const ROUTES_MOST = 1000;

export function routesField(reference: Reference) {
  return eachOnce(reference, ROUTES_MOST).describe("Its Routes.");
}

export function templateSchema(reference: Reference) {
  return z.strictObject({
    ...commonFields,
    tags: tagsField(reference),
    routes: routesField(reference),
  });
}

export type TemplateFields = z.output<ReturnType<typeof templateSchema>>;
export type Template = TemplateFields & { id: Id };

export const templateById = templateSchema(idReference);

export function checkTemplate(value: unknown): Result<TemplateFields> {
  return checked("template", templateById, value);
}
