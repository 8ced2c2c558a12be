// SPDX-License-Identifier: Apache-2.0
// The Commander that a command speaks to, and what its refusals are on the command line: an AppError whose sentence
// is the API's own. Before it: nouns; sealed.ts, which ends with the error. After it: commander/client, the typed
// client of the API.

import { type ApiError, connect } from "../../commander/client/client.ts";
import { AppError } from "../../service/app-error.ts";
import { API_CODES } from "../exit-codes.ts";
import { commanderPlace } from "./place.ts";
import { Commander } from "./things.ts";

/** Throws AppError: NotReachable, NoPermission, Usage, BadKeyFile. */
export function openCommander(given: string | undefined): Commander {
  return new Commander(connect(commanderPlace(given)));
}

/** The sentences stay as they are. */
export function errorOfApi(error: ApiError): AppError {
  return new AppError(API_CODES[error.code], error.message, { cause: error });
}
