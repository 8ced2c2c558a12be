// SPDX-License-Identifier: Apache-2.0
// The Commander's API as a service: REST over the registry, on loopback, or with TLS anywhere. Before it: `sealed up`.
// After it: server.ts. Stopping it cuts every connection: what was answered for is in the database.

import { createSecureContext } from "node:tls";
import { AppError, systemCode, systemReason } from "../../service/app-error.ts";
import { formatAddress } from "../../service/fields.ts";
import type { Log } from "../../service/log.ts";
import type { Registry } from "../registry.ts";
import { isLoopback } from "./host-check.ts";
import type { Limits } from "./limits.ts";
import { buildServer } from "./server.ts";
import type { CommanderControl } from "./server-types.ts";

export type ApiListen = {
  /** Loopback, where there is no `tls`. */
  host: string;
  /** 0: any free one. */
  port: number;
  /** PEM. */
  tls?: { cert: string; key: string };
};

export type ApiOptions = {
  registry: Registry;
  /** Null: the Commander's own STLink doesn't run; what needs it answers NotNow. */
  control: CommanderControl | null;
  listen: ApiListen;
  log: Log;
  /** For tests. */
  limits?: Partial<Limits>;
};

export type Api = {
  /** `http://127.0.0.1:8440`: what the client takes. */
  url: string;
  stop(): Promise<void>;
};

/** Throws AppError: AddressUnusable, BadKeyFile. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { host, port, tls = null } = options.listen;
  if (tls === null && !isLoopback(host)) {
    const place = formatAddress({ host, port });
    const message = `The API can't listen on ${place} without TLS: tokens would be readable on the way. Give it a certificate and key, or 127.0.0.1.`;
    throw new AppError("AddressUnusable", message);
  }
  if (tls !== null) checkCertificate(tls);
  const { server, context } = await buildServer({ ...options, tls });
  try {
    await server.listen({ host, port });
  } catch (error) {
    context.events.stop();
    await server.close();
    if (systemCode(error) === "") throw error;
    const place = formatAddress({ host, port });
    const message = `The API can't listen on ${place}: ${systemReason(error)}.`;
    throw new AppError("AddressUnusable", message, { cause: error });
  }
  const address = server.server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  const url = `${tls === null ? "http" : "https"}://${formatAddress({ host, port: bound })}`;
  options.log.info({ url }, "the API answers");
  return {
    url,
    stop: async () => {
      context.events.stop();
      await server.close();
    },
  };
}

function checkCertificate(tls: { cert: string; key: string }): void {
  try {
    createSecureContext(tls);
  } catch (error) {
    const message =
      "The API's certificate and key can't be used: they have to be PEM, and belong together.";
    throw new AppError("BadKeyFile", message, { cause: error });
  }
}
