// SPDX-License-Identifier: Apache-2.0
// Fields that many kinds of object have. Before it: fields.ts says what a field is. After it: each noun's list.

import type { Field } from "./fields.ts";

export const DESCRIPTION: Field = {
  at: "description",
  option: "description",
  is: "text",
  describe: "What it is for",
};

export const TAGS: Field = { at: "tags", option: "tag", is: "list", to: "tags", describe: "A Tag" };

export const ROUTES: Field = {
  at: "routes",
  option: "route",
  is: "list",
  to: "routes",
  describe: "A Route",
};

export const TEMPLATES: Field = {
  at: "templates",
  option: "template",
  is: "list",
  to: "templates",
  describe: "A Template",
};
