// SPDX-License-Identifier: Apache-2.0
// The page of the demo's web service: plain HTML with a picture in it, and nothing to be fetched besides.
// Before it: web-service.ts. After it: a browser, at the other end of the tunnel.

import { LARGE_BYTES } from "./large-file.ts";

/** The page, of a service whose large file has this SHA-256. */
export function webPage(hash: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Through a SealedTunnel</title>
<style>
  body { font: 17px/1.6 system-ui, sans-serif; max-width: 46rem; margin: 3rem auto; padding: 0 1rem;
    color: #1e293b; background: #f8fafc }
  h1 { font-size: 2rem; margin: 0 0 .3em }
  svg { width: 100%; margin: 1rem 0 }
  code { font: 14px ui-monospace, monospace; background: #e2e8f0; padding: .1em .35em;
    border-radius: 4px; overflow-wrap: anywhere }
</style>
<h1>This page came through a SealedTunnel</h1>
<p>From a web service in another network, through a Mapping, a Connector and a Binding, under three layers
of encryption. Neither this computer nor the STLink beside the service has an open inbound port.</p>
${PICTURE}
<p>The Connector in the middle saw sealed packets: two ids, their sizes and times. Not this text.</p>
<p><a href="/large">/large</a> is ${LARGE_BYTES.toLocaleString("en")} bytes. Its SHA-256:<br><code>${hash}</code></p>
<p>Kill the Connector while it loads: it is started again, and the download goes on.</p>
</html>
`;
}

const PICTURE = `<svg viewBox="0 0 720 190" role="img" aria-label="The path of a byte">
  <defs><linearGradient id="g" x1="0" x2="1">
    <stop offset="0" stop-color="#2563eb"/><stop offset="1" stop-color="#7c3aed"/>
  </linearGradient></defs>
  <rect x="140" y="62" width="440" height="66" rx="33" fill="url(#g)" opacity=".16"/>
  <rect x="140" y="74" width="440" height="42" rx="21" fill="url(#g)" opacity=".3"/>
  <rect x="40" y="86" width="640" height="18" rx="9" fill="url(#g)"/>
  <g fill="#fff" stroke="#1e293b" stroke-width="3">
    <circle cx="40" cy="95" r="26"/><circle cx="190" cy="95" r="26"/>
    <rect x="330" y="65" width="60" height="60" rx="10"/>
    <circle cx="530" cy="95" r="26"/><circle cx="680" cy="95" r="26"/>
  </g>
  <g fill="none" stroke="#1e293b" stroke-width="3" stroke-linecap="round">
    <path d="M345 84h30M345 95h30M345 106h30"/>
    <path d="M28 95h24M40 83v24"/><path d="M668 88h24M668 102h24"/>
    <path d="M182 95h16l-6-6m6 6-6 6"/><path d="M522 95h16l-6-6m6 6-6 6"/>
  </g>
  <g font-family="system-ui,sans-serif" font-size="15" text-anchor="middle" fill="#1e293b">
    <text x="46" y="150">browser</text><text x="190" y="150">Binding</text>
    <text x="360" y="150">Connector</text><text x="360" y="170" fill="#64748b">sees no byte</text>
    <text x="530" y="150">Mapping</text><text x="670" y="150">service</text>
  </g>
</svg>`;
