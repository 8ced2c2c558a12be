/* SPDX-License-Identifier: Apache-2.0
 *
 * The camera's page (page.h). It reads /stream itself, so that it knows each frame's number and
 * notices when the stream is silent; while there is none it asks for single pictures and tries the
 * stream again. A second connection, kept alive, carries /status.json and the single pictures.
 */
#include "page.h"

namespace camera {

const char PAGE[] = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; connect-src 'self'; img-src blob: data:; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Camera</title>
<style>
:root { --ground: #f2f1ed; --panel: #fbfaf7; --line: #dcd9d1; --ink: #23262a; --quiet: #6c7077; --good: #2f7d5b; --bad: #a8552b }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --panel: #1b1f23; --line: #2d3339; --ink: #e4e6e3; --quiet: #8f979e; --good: #6cbf97; --bad: #e09a6c }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
main { max-width: 44rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1rem; font-weight: 600; margin: 0 }
header { display: flex; justify-content: space-between; gap: 1rem; padding: .25rem 0 .75rem }
#note { color: var(--quiet); text-align: right }
#note::before { content: ""; display: inline-block; width: .55em; height: .55em; margin-right: .5em; border-radius: 50%; background: var(--quiet) }
.live #note::before { background: var(--good) }
.lost #note { color: var(--bad) }
.lost #note::before { background: var(--bad) }
figure { margin: 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; background: #000 }
img { display: block; width: 100%; aspect-ratio: 4/3; object-fit: contain; image-rendering: pixelated; transition: opacity .3s }
.lost img { opacity: .4 }
dl { display: flex; flex-wrap: wrap; gap: 1px; margin: .75rem 0 0; border: 1px solid var(--line); border-radius: 6px; overflow: hidden; background: var(--line) }
div { flex: 1 1 6rem; background: var(--panel); padding: .5rem .75rem }
dt { color: var(--quiet); font-size: .8rem }
dd { margin: 0; font: 1.15rem/1.4 ui-monospace, monospace; font-variant-numeric: tabular-nums; white-space: nowrap }
</style>
<main>
<header><h1>Camera</h1><span id="note" role="status">connecting</span></header>
<figure><img id="picture" alt="The camera's picture" src="data:,"></figure>
<dl>
<div><dt>Frame</dt><dd id="frame">–</dd></div>
<div><dt>Frame rate</dt><dd id="rate">–</dd></div>
<div><dt>Frame size</dt><dd id="size">–</dd></div>
<div><dt>Device up</dt><dd id="uptime">–</dd></div>
<div><dt>Viewers</dt><dd id="viewers">–</dd></div>
</dl>
</main>
<script>
const SILENT_MS = 5000, PAUSE_MS = 1000, SINGLES = 3
const LOST = 'connection lost, trying again'
const at = id => document.getElementById(id)
// Half as long to half as long again: viewers that share one connection don't keep meeting.
const pause = ms => new Promise(done => setTimeout(done, ms * (.5 + Math.random())))
const picture = at('picture')
let shown = 0

function say(state, note) {
  document.body.className = state
  if (at('note').textContent !== note) at('note').textContent = note
}

function show(jpeg, number) {
  const old = picture.src
  picture.src = URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }))
  if (old.startsWith('blob:')) URL.revokeObjectURL(old)
  at('frame').textContent = number
  at('size').textContent = jpeg.length + ' B'
  shown++
}

// An answer whose next bytes take longer than SILENT_MS is given up.
async function ask(path, read) {
  const stop = new AbortController()
  let clock
  const alive = () => { clearTimeout(clock); clock = setTimeout(() => stop.abort(), SILENT_MS) }
  alive()
  try {
    const answer = await fetch(path, { signal: stop.signal, cache: 'no-store' })
    if (!answer.ok) throw { said: (await answer.text()).trim() }
    return await read(answer, alive)
  } finally {
    clearTimeout(clock)
    stop.abort()
  }
}

// Cuts parts out of the stream by their lengths, and shows the newest that is whole.
const stream = () => ask('/stream', async (answer, alive) => {
  const reader = answer.body.getReader(), ascii = new TextDecoder('latin1')
  let held = new Uint8Array(0)
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    alive()
    const more = new Uint8Array(held.length + value.length)
    more.set(held)
    more.set(value, held.length)
    held = more
    let newest
    for (;;) {
      const head = /^[^]*?\r\n\r\n/.exec(ascii.decode(held.subarray(0, 300)))?.[0]
      const end = head && head.length + Number(/length: (\d+)/i.exec(head)[1])
      if (!(held.length >= end)) break
      newest = [held.slice(head.length, end), /frame: (\d+)/i.exec(head)[1]]
      held = held.subarray(end)
    }
    if (newest) show(...newest), say('live', 'live')
  }
})

const single = () => ask('/snapshot.jpg', async answer =>
  show(new Uint8Array(await answer.arrayBuffer()), answer.headers.get('X-Frame')))

async function watch() {
  for (;;) {
    const lost = e => say('lost', e?.said ?? LOST)
    await stream().then(lost, lost)
    for (let i = 0; i < SINGLES; i++) {
      await pause(PAUSE_MS)
      await single().then(() => say('', 'one picture a second'), lost)
    }
  }
}

async function measure() {
  const two = n => String(n | 0).padStart(2, '0')
  for (;;) {
    const before = shown, begun = performance.now()
    await ask('/status.json', answer => answer.json()).then(({ uptime, viewers }) => {
      at('uptime').textContent = [uptime / 3600, uptime / 60 % 60, uptime % 60].map(two).join(':')
      at('viewers').textContent = viewers
    }, () => {})
    await pause(2 * PAUSE_MS)
    at('rate').textContent = ((shown - before) * 1000 / (performance.now() - begun)).toFixed(1) + ' /s'
  }
}

watch()
measure()
</script>
</html>
)page";

const uint32_t PAGE_LEN = sizeof PAGE - 1;

} // namespace camera
