"use strict";
// The script of the review page: it reads the form, calls permstack() in the
// WebAssembly engine and shows the response. It contains no permissions itself.
(() => {
  const $ = (id) => document.getElementById(id);
  const fields = ["region", "account", "connectionId", "controlPlaneRole", "supportControlPlaneRole",
    "dataPlaneAccount", "externalId", "path", "permissionsBoundary", "templateURL"];
  const regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1", "eu-central-2",
    "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-northeast-1", "ap-northeast-2", "ap-south-1",
    "ap-southeast-1", "ap-southeast-2", "sa-east-1", "us-gov-east-1", "us-gov-west-1"];
  const needs = { ControlPlaneRole: "control-plane role", SupportControlPlaneRole: "support role",
    DataPlaneAccount: "data-plane account ID", ExternalId: "external ID" };
  let catalog, profile, response;

  const call = (request) => JSON.parse(permstack(JSON.stringify(request)));

  // el creates an element. Strings become text nodes, never HTML.
  function el(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children.filter((c) => c !== ""));
    return e;
  }

  async function start() {
    const packed = Uint8Array.from(atob($("engine").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const go = new Go();
    const module = await WebAssembly.instantiate(await new Response(stream).arrayBuffer(), go.importObject);
    go.run(module.instance);
    $("engine").remove();
    const added = $("added-profile").textContent;
    if (added !== "") {
      const bytes = Uint8Array.from(atob(added), (c) => c.charCodeAt(0));
      const result = call({ type: "profile", profile: JSON.parse(new TextDecoder().decode(bytes)) });
      if (result.problems.length > 0) throw new Error(result.problems.join("; "));
    }
    catalog = call({ type: "catalog" });
    for (const p of catalog.profiles) $("profile").append(el("option", { value: p.name }, p.vendor + " (" + p.name + ")"));
    for (const r of regions) $("regions").append(el("option", { value: r }));
    for (const l of catalog.levels) $("risk").append(el("option", { value: l }, l));
    read(fragment());
    $("form").addEventListener("change", changed);
    $("form").addEventListener("input", (e) => { if (e.target.matches("details input")) later(); });
    $("form").addEventListener("submit", (e) => e.preventDefault());
    for (const id of ["search", "risk", "sort"]) $(id).addEventListener("input", showGrants);
    window.addEventListener("hashchange", () => { if (fragment() !== choice()) { read(fragment()); show(); } });
    $("get-template").onclick = () => save("permissions.json", response.template);
    $("get-review").onclick = () => save("policies.json", response.review);
    $("copy-template").onclick = () => copy("Template", response.template);
    $("copy-review").onclick = () => copy("Policies", response.review);
    show();
    document.documentElement.dataset.ready = "true";
  }

  // fragment returns the choice in the address; one that is not percent-encoded text is taken as it is.
  function fragment() {
    const text = location.hash.slice(1);
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  let timer;
  function later() { clearTimeout(timer); timer = setTimeout(show, 150); }

  function changed(e) {
    if (e.target.id === "profile") fill(e.target.value);
    if (e.target.id !== "preset" && e.target.closest("fieldset")) $("preset").value = "";
    if (e.target.id === "preset") for (const c of document.querySelectorAll("#assets input, #operations input")) c.checked = e.target.value === "";
    show();
  }

  // fill builds the form for a profile.
  function fill(name) {
    profile = catalog.profiles.find((p) => p.name === name) || catalog.profiles[0];
    $("profile").value = profile.name;
    const boxes = (id, items, on) => {
      const set = $(id);
      set.querySelectorAll(".check, .setting").forEach((n) => n.remove());
      for (const i of items) set.append(el("label", { class: "check" }, Object.assign(el("input", { type: "checkbox", value: i.name }), { checked: on }), el("span", {}, i.title)));
    };
    boxes("assets", profile.assets, true);
    boxes("operations", profile.operations.map((o) => ({ name: o, title: o.replaceAll("-", " ") })), true);
    boxes("options", profile.options, false);
    for (const s of profile.settings) {
      const select = el("select", { id: "setting-" + s.name });
      for (const v of s.values) select.append(el("option", { value: v.name }, v.title || v.name));
      select.value = s.default;
      $("options").append(el("div", { class: "setting" }, el("label", { for: select.id }, s.title), select));
    }
    $("options").hidden = profile.options.length + profile.settings.length === 0;
    $("preset-box").hidden = profile.presets.length === 0;
    $("preset").replaceChildren(el("option", { value: "" }, "none: choose below"), ...profile.presets.map((p) => el("option", { value: p.name }, p.name + ": " + p.title)));
  }

  // read sets the form to a choice in a link: PROFILE:ASSETS:OPERATIONS:OPTIONS.
  function read(text) {
    const [name, assets, operations, options] = text.split(":");
    fill(name.split("@")[0]);
    const check = (id, list) => { if (list) for (const c of document.querySelectorAll("#" + id + " input")) c.checked = list.split(",").includes(c.value); };
    check("assets", assets); check("operations", operations); check("options", options);
    for (const o of (options || "").split(",")) {
      if (profile.presets.some((p) => p.name === o)) $("preset").value = o;
      const setting = profile.settings.find((s) => s.values.some((v) => v.name === o));
      if (setting) $("setting-" + setting.name).value = o;
    }
  }

  const checked = (id) => [...document.querySelectorAll("#" + id + " input:checked")].map((c) => c.value);

  // choice returns the choice in the form. It has no form for empty lists: in a choice
  // an empty list means everything.
  function choice() {
    const options = [...($("preset").value ? [$("preset").value] : []), ...checked("options"),
      ...profile.settings.map((s) => $("setting-" + s.name).value).filter((v, i) => v !== profile.settings[i].default)];
    const preset = $("preset").value !== "";
    const assets = preset ? [] : checked("assets"), operations = preset ? [] : checked("operations");
    return [profile.name, assets.join(","), operations.length === profile.operations.length ? "" : operations.join(","), options.join(",")].join(":").replace(/:+$/, "");
  }

  function show() {
    clearTimeout(timer);
    const text = choice();
    const preset = $("preset").value !== "";
    if (location.hash.slice(1) !== text) history.replaceState(null, "", "#" + text);
    const request = { choice: text };
    for (const f of fields) request[f] = $(f).value.trim();
    if (!preset && (checked("assets").length === 0 || checked("operations").length === 0)) {
      response = { problems: ["Choose at least one asset and one operation."], grants: [], uses: [], findings: [], findingsSummary: "", rules: [], prerequisites: [], policies: [], roles: [], template: "", review: "", examples: [], actions: 0, launchProblem: "" };
    } else {
      response = call(request);
    }
    const bad = response.problems.length > 0;
    $("problems").hidden = !bad;
    $("problems").replaceChildren(...response.problems.map((p) => el("li", {}, p)));
    $("status").textContent = bad ? "The choice is not valid:" : "";
    const number = (what, n) => el("div", {}, el("dt", {}, what), el("dd", {}, n.toLocaleString("en")));
    $("numbers").replaceChildren(number("roles", response.roles.length), number("policies", response.policies.length),
      number("statements", response.grants.filter((g) => g.kind === "policy").length), number("actions", response.actions),
      number("event rules", response.rules.length), number("bytes of template", new TextEncoder().encode(response.template).length));
    $("examples").hidden = response.examples.length === 0;
    $("examples").textContent = "Example values are used for: " + response.examples.map((n) => needs[n] || n).join(", ") + ". Enter your own under “Account, Region and vendor values” before you deploy a file from this page.";
    for (const b of document.querySelectorAll(".actions button")) b.disabled = bad;
    $("launch").setAttribute("aria-disabled", String(!response.launch));
    if (response.launch) $("launch").href = response.launch; else $("launch").removeAttribute("href");
    $("no-launch").textContent = response.launch || bad ? "" : "No Launch Stack link: " + response.launchProblem + ".";
    $("template").textContent = response.template;
    $("review").textContent = response.review;
    $("version").textContent = response.catalogVersion ? "Catalogue release " + response.catalogVersion + ". The choice for the command line: " + text : "";
    showPolicies();
    showPrerequisites();
    showFindings();
    showRules();
    showGrants();
  }

  function showPolicies() {
    $("policies").replaceChildren(...response.policies.map((p) => el("tr", {}, el("td", {}, p.role), el("td", {}, p.entity, el("small", {}, p.why)), el("td", {}, p.kind),
      el("td", { class: "n" }, p.size.toLocaleString("en") + (p.kind === "managed" ? " of " + p.limit.toLocaleString("en") : "")))));
  }

  function showPrerequisites() {
    $("prerequisites").hidden = response.prerequisites.length === 0;
    $("prerequisite-list").replaceChildren(...response.prerequisites.map((p) => el("li", {}, p.text, el("small", {}, "for " + p.uses.join(", ")))));
  }

  function showRules() {
    $("rules").replaceChildren(...response.rules.map((r) => el("article", { class: "grant" }, el("h3", {}, r.entity), el("p", { class: "why" }, r.why),
      el("details", {}, el("summary", {}, "Event pattern"), el("pre", { tabindex: "0", "aria-label": "Pattern of " + r.entity }, JSON.stringify(r.pattern, null, 1))))));
    if (response.rules.length === 0) $("rules").append(el("p", { class: "note" }, "None: this choice has no event rules."));
  }

  // showFindings shows the findings by class, folded.
  function showFindings() {
    $("findings-summary").textContent = response.findingsSummary;
    $("findings").replaceChildren(...catalog.classes.map((c) => [c, response.findings.filter((f) => f.class === c)]).filter(([, list]) => list.length > 0)
      .map(([c, list]) => el("details", {}, el("summary", {}, c + ": " + list.length + ", " + list.filter((f) => f.level === "high").length + " high"), ...list.map(finding))));
  }

  function finding(f) {
    const row = (name, values) => values.length ? [el("dt", {}, name), ...values.map((v) => el("dd", {}, v))] : [];
    const rows = f.steps.flatMap((s) => row(s.actions.join(", "), s.statements.map((t) => t.sid + " on " + t.on.join(", ") + (t.onlyIf.length ? ", only if " + t.onlyIf.join("; and ") : ""))));
    rows.push(...row("limits", f.bounds), ...row("no limits", f.noBounds), ...row("remains", f.remains.map((r) => r.text)), ...row("to close it", f.closes));
    return el("article", { class: "grant" }, el("header", {}, el("h3", {}, f.title), el("span", { class: "place" }, f.role), el("span", { class: "risk " + f.level }, f.level + " risk")), el("dl", {}, ...rows));
  }

  function showGrants() {
    const terms = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), risk = $("risk").value;
    let list = response.grants.map((g, i) => ({ g, uses: response.uses[i] }));
    list = list.filter(({ g, uses }) => {
      const text = [g.sid, g.entity, g.policy, g.why, g.whyWildcard, g.note, ...(g.remains || []).map((r) => r.text), ...g.actions, ...g.on, ...(g.resources || []), ...(g.onlyIf || []), ...(g.principals || []), ...uses,
        ...g.risk.effects.map((e) => e.does)].join("\n").toLowerCase();
      return terms.every((t) => text.includes(t)) && (!risk || g.risk.level === risk);
    });
    if ($("sort").value) list.sort((a, b) => catalog.levels.indexOf(a.g.risk.level) - catalog.levels.indexOf(b.g.risk.level));
    $("found").textContent = list.length + " of " + response.grants.length + " statements";
    $("grants").replaceChildren(...list.map(card));
  }

  function card({ g, uses }) {
    const row = (name, ...values) => [el("dt", {}, name), el("dd", {}, ...values)];
    const place = g.kind === "trust" ? "trust policy of " + g.entity : g.kind === "topic" ? "topic " + g.entity : g.entity + " › " + g.policy;
    const rows = [];
    if (g.principals) rows.push(...row("principals", g.principals.join(", ")));
    rows.push(...row("actions", ...g.actions.map((a) => el("code", {}, a))));
    rows.push(...row("resources", g.on.join(", ")));
    if (g.onlyIf) rows.push(...row("only if", g.onlyIf.join("; and ")));
    for (const b of g.bounds || []) if (b.why) rows.push(...row("no limit", b.condition + ": " + b.why));
    if (g.whyWildcard) rows.push(...row("wildcard", g.whyWildcard));
    if (g.kind === "policy") rows.push(...row("for", uses.join(", ")));
    if (g.note) rows.push(...row("note", g.note));
    for (const r of g.remains || []) rows.push(...row("remains", r.kind + ": " + r.text));
    const effects = g.risk.effects.map((e) => e.does).join(", ");
    rows.push(...row("effect", effects + (g.risk.limits.length ? "; limited by " + g.risk.limits.join(" and ") : "")));
    return el("article", { class: "grant" }, el("header", {}, el("h3", {}, g.sid), el("span", { class: "place" }, place), el("span", { class: "risk " + g.risk.level }, g.risk.level + " risk")),
      el("p", { class: "why" }, g.why), el("dl", {}, ...rows));
  }

  function save(name, text) {
    const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  async function copy(what, text) {
    try { await navigator.clipboard.writeText(text); $("status").textContent = what + " copied."; }
    catch { $("status").textContent = "The browser does not allow copying; open “Files” below."; }
  }

  start().catch((e) => { $("status").textContent = "The page does not run in this browser: " + e.message; $("status").className = "problem"; });
})();
