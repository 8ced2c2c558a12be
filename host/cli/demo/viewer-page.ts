// SPDX-License-Identifier: Apache-2.0
// The command centre's page: the moving picture, the number of the frame, how many were missed. Before it:
// viewer.ts. After it: a browser, which draws each event of /video.

import { HEIGHT, WIDTH } from "./picture.ts";

export const VIEWER_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Command centre</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; background: #0f1320; color: #d7dcea;
    max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem }
  h1 { font-size: 1.5rem; margin: 0 0 1rem; color: #fff }
  figure { margin: 0; background: #000; border-radius: 10px; overflow: hidden }
  img { display: block; width: 100%; height: auto; aspect-ratio: ${WIDTH} / ${HEIGHT}; image-rendering: pixelated }
  figcaption { display: flex; gap: 2rem; padding: .7rem 1rem; background: #1a2033 }
  b { color: #fff; font-variant-numeric: tabular-nums }
  .live::before { content: ""; display: inline-block; width: .6em; height: .6em; margin-right: .5em;
    border-radius: 50%; background: #64748b }
  .live.on::before { background: #ef4444 }
</style>
<h1>Command centre</h1>
<figure>
  <img id="picture" alt="What the camera sees" width="${WIDTH}" height="${HEIGHT}">
  <figcaption>
    <span class="live" id="live">camera in the yard</span>
    <span>frame <b id="frame">-</b></span><span>missed <b id="missed">0</b></span>
  </figcaption>
</figure>
<p>The camera has no STLink: it pushes its pictures to a gateway on its subnet. From there they came here
through a SealedTunnel.</p>
<script>
  const [picture, frame, missed, live] =
    ["picture", "frame", "missed", "live"].map((id) => document.getElementById(id));
  let last = 0;
  const video = new EventSource("/video");
  video.onmessage = ({ lastEventId, data }) => {
    const number = Number(lastEventId);
    if (last > 0 && number > last + 1) missed.textContent = +missed.textContent + number - last - 1;
    last = number;
    frame.textContent = number;
    picture.src = "data:image/png;base64," + data;
    live.classList.add("on");
  };
  video.onerror = () => live.classList.remove("on");
</script>
</html>
`;
