// SPDX-License-Identifier: Apache-2.0
// The typed client of the Commander's API, its types generated from the OpenAPI document. Before it: the command line,
// the portal, tests. After it: HTTP. A refusal is thrown as ApiError, with the API's own sentences; a server that
// can't be reached too.

import createFetch, { type Client as FetchClient } from "openapi-fetch";
import type { components, paths } from "../api/openapi.gen.ts";
import { type ApiEvent, readEvents } from "./events.ts";

export type Schemas = components["schemas"];
export type Problem = Schemas["Problem"];
/** `Unreachable`: nobody answers there, or not as this API does. */
export type ApiErrorCode = Problem["code"] | "Unreachable";

/** What the API refuses. `message` holds the sentences of all problems, a line each. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  /** 0: there was no answer. */
  readonly status: number;
  readonly problems: readonly Problem[];

  constructor(
    { code, status, problems }: Pick<ApiError, "code" | "status" | "problems">,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.code = code;
    this.status = status;
    this.problems = problems;
  }
}

export type ConnectOptions = {
  /** As startApi gives it: `http://127.0.0.1:8440`. */
  url: string;
  /** `st_...` */
  token: string;
};

export type EventsOptions = {
  /** The last event that was had before. */
  lastEventId?: string;
  signal?: AbortSignal;
};

export type Client = {
  /** GET, POST, PUT, PATCH, DELETE of the document's paths. Throws ApiError; `data` then is there. */
  http: FetchClient<paths>;
  /** News as it comes, until the server or `signal` ends it. Throws ApiError. */
  events(options?: EventsOptions): AsyncIterable<ApiEvent>;
};

export function connect({ url, token }: ConnectOptions): Client {
  const headers = { authorization: `Bearer ${token}` };
  const http = createFetch<paths>({ baseUrl: url, headers });
  http.use({
    onResponse: async ({ response }) => {
      if (!response.ok) throw await errorOf(response);
    },
    onError: ({ error }) => (error instanceof ApiError ? error : unreachable(url, error)),
  });
  return {
    http,
    events: ({ lastEventId, signal } = {}) => {
      const last = lastEventId === undefined ? {} : { "last-event-id": lastEventId };
      const request = new Request(`${url}/api/v1/events`, {
        headers: { ...headers, ...last },
        signal: signal ?? null,
      });
      return readEvents(() => opened(url, request));
    },
  };
}

/** What was answered: `await dataOf(http.GET(...))`. */
export async function dataOf<Data>(
  answer: Promise<{ data?: Data; error?: unknown }>,
): Promise<Exclude<Data, undefined>> {
  const { data } = await answer;
  if (data === undefined) throw new Error("an answer without a body");
  return data as Exclude<Data, undefined>;
}

/** The headers of a change to what was read at this version. */
export function ifMatch(version: number | string): { "if-match": string } {
  return { "if-match": `"${version}"` };
}

async function opened(url: string, request: Request): Promise<Response> {
  const response = await fetch(request).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  const text = await response.text();
  const error = errorIn(text);
  if (error === null) {
    const message = `${response.url} answered ${status}, and not as a Commander does: check the address.`;
    return new ApiError({ code: "Unreachable", status, problems: [] }, message);
  }
  return new ApiError({ ...error, status }, error.message);
}

function errorIn(text: string): Schemas["Error"]["error"] | null {
  try {
    const { error } = JSON.parse(text);
    return typeof error?.code === "string" && Array.isArray(error.problems) ? error : null;
  } catch {
    return null;
  }
}

function unreachable(url: string, cause: unknown): ApiError {
  const message = `No Commander answers at ${url}: start it (sealed up), or check the address.`;
  return new ApiError({ code: "Unreachable", status: 0, problems: [] }, message, { cause });
}
