"use strict";
// The engine of the review page: permstack() in WebAssembly, and what the page shows before that runs.
const engine = (() => {
  const bytes = (id) => Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  const call = (request) => JSON.parse(permstack(JSON.stringify(request)));
  let first, running = false, begin;
  const begun = new Promise((done) => { begin = done; });

  // open returns what can be chosen.
  async function open() {
    const stream = new Blob([bytes("first")]).stream().pipeThrough(new DecompressionStream("gzip"));
    first = await new Response(stream).json();
    return first.catalog;
  }

  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));

  // start starts the engine, which is at the end of the page.
  async function start() {
    await painted();
    if (document.readyState === "loading") await new Promise((done) => document.addEventListener("DOMContentLoaded", done));
    const packed = bytes("engine");
    document.getElementById("engine").remove();
    const go = new Go();
    const module = await WebAssembly.instantiate(fzstd.decompress(packed), go.importObject);
    go.run(module.instance);
    const add = (request) => {
      const result = call(request);
      if (result.problems.length > 0) throw new Error(result.problems.join("; "));
    };
    if (first.profile) add({ type: "profile", profile: first.profile });
    for (const [name, form] of Object.entries(first.forms)) add({ type: "form", name, form });
    running = true;
    begin();
  }

  // report returns the report of the risks of a request, as soon as the engine runs.
  async function report(request) {
    await begun;
    return call({ ...request, type: "report" });
  }

  // evaluate returns the response to a request, or nothing while the engine is not running.
  function evaluate(request) {
    if (running) return call(request);
    return Object.entries(request).every(([k, v]) => v === first.request[k]) ? first.response : undefined;
  }

  return { open, painted, start, evaluate, report, running: () => running };
})();
