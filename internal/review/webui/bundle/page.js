"use strict";
// The script of the review page: it reads the form and shows the engine's response. It contains no permissions itself.
(() => {
  const $ = (id) => document.getElementById(id);
  const fields = ["region", "account", "connectionId", "controlPlaneRole", "supportControlPlaneRole",
    "dataPlaneAccount", "externalId", "path", "permissionsBoundary", "templateURL"];
  const regions = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "eu-central-1", "eu-central-2",
    "eu-north-1", "eu-south-1", "eu-west-1", "eu-west-2", "eu-west-3", "ap-northeast-1", "ap-northeast-2", "ap-south-1",
    "ap-southeast-1", "ap-southeast-2", "sa-east-1", "us-gov-east-1", "us-gov-west-1"];
  const needs = { ControlPlaneRole: "control-plane role", SupportControlPlaneRole: "support role",
    DataPlaneAccount: "data-plane account ID", ExternalId: "external ID" };
  // What the first tiles count: a name, and what the statements do.
  const matters = [
    { name: "can delete", does: ["deletes"] },
    { name: "can send data out", does: ["sends data out of the account"] },
    { name: "can change access or pass roles", does: ["changes permissions", "passes a role to a service", "assumes a role"] },
    { name: "can run commands", does: ["runs commands"] },
    { name: "can read content or use keys", does: ["reads content", "uses encryption keys"] },
  ];
  // Operations whose names in a choice are no plain words.
  const words = { dr: "recover in another Region (DR)", "cross-account": "copy to other accounts", "copy-to-s3": "copy to S3",
    "s3-sync": "synchronize S3 buckets", "changed-blocks": "read changed blocks", "file-level-recovery": "recover single files",
    "snapshot-lock": "lock snapshots", "resource-control": "start and stop resources", "vpc-capture": "capture and clone VPCs",
    secrets: "read secrets", notification: "send notifications", "cost-explorer": "read costs", "run-scripts": "run scripts on instances",
    "item-restore": "restore single items" };
  // The field that a problem is about, by words of the problem; the first that matches.
  const problemFields = [["only-tag", /^tag "/], ["only-bucket", /^bucket/], ["only-table", /^table/], ["only-db", /^database/],
    ["only-key", /^KMS key/], ["only-vpc", /^VPC/], ["only-region", /\bscope\b.*region|^region.*scope|region.*\bscope\b/i], ["until", /restores allowed until|restores are allowed/i],
    ["dataPlaneAccount", /data-plane account/i], ["supportControlPlaneRole", /support control-plane role/i],
    ["controlPlaneRole", /control-plane role/i], ["connectionId", /connection id/i], ["externalId", /external id/i],
    ["permissionsBoundary", /boundary/i], ["account", /account id/i], ["region", /region/i], ["path", /\bpath\b/i]];
  // What a choice can be narrowed to.
  const kinds = ["tag", "bucket", "table", "db", "key", "region", "vpc"];
  const nothing = { problems: [], grants: [], uses: [], findings: [], findingsSummary: "", rules: [], prerequisites: [], policies: [],
    roles: [], template: "", review: "", examples: [], actions: 0, launchProblem: "", launch: "", catalogVersion: "", narrowed: [], notNarrowed: [], flags: "" };
  let waiting = false, catalog, profile, response = nothing, statements = new Map(), base = "";

  // el creates an element. Strings become text nodes, never HTML.
  function el(name, attributes, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
    e.append(...children.filter((c) => c !== ""));
    return e;
  }

  async function start() {
    catalog = await engine.open();
    listen();
    show(false);
    performance.mark("ready"); document.documentElement.dataset.ready = "true";
    await engine.painted();
    if (response !== nothing) showDetails();
    await engine.start();
    if (waiting) show();
    document.documentElement.dataset.engine = "true";
  }

  function listen() {
    for (const p of catalog.profiles) $("profile").append(el("option", { value: p.name }, p.vendor + " (" + p.name + ")"));
    for (const r of regions) $("regions").append(el("option", { value: r }));
    for (const l of catalog.levels) $("risk").append(el("option", { value: l }, l));
    for (const m of matters) $("effect").append(el("option", { value: m.name }, m.name));
    read(fragment());
    $("form").addEventListener("change", changed);
    $("form").addEventListener("input", (e) => { if (e.target.matches("details input")) later(); });
    $("form").addEventListener("submit", (e) => e.preventDefault());
    for (const id of ["search", "effect", "risk", "sort"]) $(id).addEventListener("input", showGrants);
    window.addEventListener("hashchange", () => { if (fragment() !== address()) { read(fragment()); show(); } });
    // A link to a part of the page would replace the choice in the address.
    $("skip").onclick = (e) => { e.preventDefault(); $("summary").focus(); };
    $("clear").onclick = () => { for (const id of ["search", "effect", "risk"]) $(id).value = ""; showGrants(); $("search").focus(); };
    $("get-csv").onclick = () => save("permissions.csv", csv(), "text/csv");
    $("get-report").onclick = report;
    $("print").onclick = () => window.print();
    $("copy-link").onclick = () => copy("Link", location.href);
    $("compare").onclick = () => { base = choice() + narrowing(); show(); toast("Change the choice: the differences appear below."); };
    $("swap").onclick = () => { const other = base; base = choice() + narrowing(); readChoice(other); show(); };
    $("end-compare").onclick = () => { base = ""; show(); $("compare").focus(); };
    $("get-template").onclick = () => save("permissions.json", response.template);
    $("get-review").onclick = () => save("policies.json", response.review);
    $("copy-template").onclick = () => copy("Template", response.template);
    $("copy-review").onclick = () => copy("Policies", response.review);
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
  function later() { clearTimeout(timer); timer = setTimeout(() => show(), 400); }

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
    boxes("operations", profile.operations.map((o) => ({ name: o, title: words[o] || o.replaceAll("-", " ") })), true);
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

  // address returns what the link to this page has: the choice, and the one that it is compared with.
  const address = () => choice() + narrowing() + (base ? "|" + base : "");

  // read sets the page to what a link has.
  function read(text) {
    const [first, other] = text.split("|");
    base = other || "";
    readChoice(first);
  }

  // narrowing returns what follows the choice in a link: &only=KIND:VALUE,… and &until=TIME.
  function narrowing() {
    const listed = (k) => $("only-" + k).value.split(",").map((v) => v.trim()).filter(Boolean).map((v) => k + ":" + v);
    const only = kinds.flatMap(listed), until = $("until").value.trim();
    return (only.length ? "&only=" + only.join(",") : "") + (until ? "&until=" + until : "");
  }

  // readChoice sets the form to a choice: PROFILE:ASSETS:OPERATIONS:OPTIONS, and what it is narrowed to.
  function readChoice(link) {
    const [text, ...rest] = link.split("&");
    const given = (key) => (rest.find((r) => r.startsWith(key + "=")) || "").slice(key.length + 1);
    const only = given("only").split(",");
    for (const k of kinds) $("only-" + k).value = only.filter((o) => o.startsWith(k + ":")).map((o) => o.slice(k.length + 1)).join(", ");
    $("until").value = given("until");
    $("narrow").open = $("narrow").open || rest.length > 0;
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

  // requested returns the request that the form is for.
  function requested() {
    const request = { choice: choice(), narrowing: narrowing(), compare: base };
    for (const f of fields) request[f] = $(f).value.trim();
    return request;
  }

  // report downloads the risks of the choice as a file, once the engine runs.
  async function report() {
    const request = requested();
    if (!engine.running()) toast("The report follows when the rest of the page has loaded.");
    save("risks.html", (await engine.report(request)).html, "text/html");
  }

  function show(whole = true) {
    clearTimeout(timer);
    const text = choice();
    const preset = $("preset").value !== "";
    if (fragment() !== address()) history.replaceState(null, "", "#" + address());
    const request = requested();
    const empty = !preset && (checked("assets").length === 0 || checked("operations").length === 0);
    const next = empty ? { ...nothing, problems: ["Choose at least one asset and one operation."] } : engine.evaluate(request);
    waiting = !next;
    if (waiting) {
      for (const b of document.querySelectorAll("#summary .actions button")) b.disabled = true;
      $("launch").setAttribute("aria-disabled", "true"); $("launch").removeAttribute("href");
      $("status").textContent = "Computing the permissions: the rest of the page is loading …";
      return;
    }
    showProblems(next.problems);
    const bad = next.problems.length > 0;
    for (const b of document.querySelectorAll("#summary .actions button")) b.disabled = bad;
    // A value that is not complete leaves what is shown as it is.
    if (bad && !empty) { $("launch").setAttribute("aria-disabled", "true"); $("launch").removeAttribute("href"); return; }
    response = next;
    const number = (what, n) => el("div", {}, el("dt", {}, what), el("dd", {}, n.toLocaleString("en")));
    $("numbers").replaceChildren(number("roles", response.roles.length), number("policies", response.policies.length),
      number("statements", response.grants.filter((g) => g.kind === "policy").length), number("actions", response.actions),
      number("event rules", response.rules.length));
    $("narrowed").hidden = response.narrowed.length === 0;
    $("narrowed").textContent = "Narrowed to " + response.narrowed.join(", ") + ".";
    $("not-narrowed").hidden = response.notNarrowed.length === 0;
    $("not-narrowed").replaceChildren(...response.notNarrowed.map((n) => el("li", {}, "Not narrowed by " + n.kind + ", because " + n.why + ": " + n.actions.join(", "))));
    $("examples").hidden = response.examples.length === 0;
    $("examples").textContent = "Example values are used for: " + response.examples.map((n) => needs[n] || n).join(", ") + ". Enter your own under “Your account and the vendor's values” before you deploy a file from this page.";
    $("launch").setAttribute("aria-disabled", String(!response.launch));
    if (response.launch) $("launch").href = response.launch; else $("launch").removeAttribute("href");
    $("no-launch").textContent = response.launch || bad ? "" : "No Launch Stack link: " + response.launchProblem + ".";
    $("version").textContent = response.catalogVersion ? "Catalogue release " + response.catalogVersion + ". The choice for the command line: " + text + response.flags : "";
    showMatters();
    if (whole) showDetails();
  }

  // showDetails shows what is below the summary. The first view has it in the next frame.
  function showDetails() {
    $("template").textContent = response.template; $("review").textContent = response.review;
    readStatements();
    showComparison(); showPolicies(); showPrerequisites(); showFindings(); showRules(); showGrants();
  }

  // showProblems shows each problem at the field that it is about, and the others above the permissions.
  function showProblems(problems) {
    for (const e of document.querySelectorAll(".field-problem")) e.remove();
    for (const [f] of problemFields) { $(f).removeAttribute("aria-invalid"); $(f).removeAttribute("aria-describedby"); }
    for (const p of problems) {
      const [id] = problemFields.find(([f, words]) => words.test(p) && $(f).value.trim() !== "") || [];
      if (!id) continue;
      const note = el("p", { class: "field-problem problem", id: "problem-" + id }, p);
      if ($("problem-" + id)) { $("problem-" + id).append(" " + p); continue; }
      $(id).setAttribute("aria-invalid", "true");
      $(id).setAttribute("aria-describedby", note.id);
      $(id).after(note);
      $(id).closest("details").open = true;
    }
    $("problems").hidden = problems.length === 0;
    $("problems").replaceChildren(...problems.map((p) => el("li", {}, p)));
    $("status").textContent = problems.length === 0 ? "" : response.grants.length === 0 ? "The choice is not valid:" :
      "Not valid yet; what follows is for the last valid values:";
  }

  // readStatements reads the statements as they are in IAM from the policies.
  function readStatements() {
    statements = new Map();
    if (!response.review) return;
    const add = (role, policy, document) => { for (const s of document.Statement) statements.set([role, policy, s.Sid].join("/"), s); };
    const doc = JSON.parse(response.review);
    for (const r of doc.roles) {
      add(r.entity, "", r.trust);
      for (const p of [...r.managedPolicies, ...r.inlinePolicies]) add(r.entity, p.name, p.document);
    }
    for (const t of doc.topics) add(t.entity, "", t.policy);
  }
  const statement = (g) => statements.get([g.entity, g.kind === "policy" ? g.policyName : "", g.sid].join("/"));

  const allows = (g, m) => g.effect !== "Deny" && g.kind === "policy" && g.risk.effects.some((e) => m.does.includes(e.does));

  // showMatters shows how many statements do what matters most. A tile shows them.
  function showMatters() {
    const tile = (n, name, detail, level, act) => {
      const b = el("button", { type: "button", class: "tile " + level }, el("b", {}, n.toLocaleString("en")), el("span", {}, name), el("small", {}, detail));
      b.onclick = act;
      return b;
    };
    const go = (id) => { $(id).scrollIntoView(); $(id).focus({ preventScroll: true }); };
    const tiles = matters.map((m) => {
      const list = response.grants.filter((g) => allows(g, m));
      const open = list.filter((g) => g.risk.limits.length === 0).length;
      const detail = list.length === 0 ? "no statement" : open === 0 ? "all with limits" : open + " without a limit";
      return tile(list.length, name(m.name, list.length), detail, list.length === 0 ? "none" : open ? "high" : "medium",
        () => { $("effect").value = m.name; showGrants(); go("grants-title"); });
    });
    const high = response.findings.filter((f) => f.level === "high").length;
    tiles.push(tile(high, high === 1 ? "high risk" : "high risks", "of " + response.findings.length + " findings", high ? "high" : "none", () => go("findings-title")));
    $("matters").replaceChildren(...tiles);
  }
  const name = (text, n) => (n === 1 ? "statement " : "statements ") + text;

  // showComparison shows what the choice adds and removes beside the other one.
  function showComparison() {
    const c = response.comparison;
    $("comparison").hidden = !base;
    $("compare").textContent = base ? "Compare from here instead" : "Compare from here";
    if (!base || !c) return;
    $("comparison-title").textContent = "Compared with " + base;
    $("comparison-summary").textContent = c.problem ? "The other choice is not valid: " + c.problem : c.summary;
    const item = (x) => el("li", {}, el("b", { class: x.grows ? "high" : "low" }, x.kind + " "), x.title, el("small", {}, x.lines.join("; ")), x.why ? el("small", {}, "Why: " + x.why) : "");
    const list = (id, changes) => $(id).replaceChildren(...(changes.length ? changes.map(item) : [el("li", { class: "note" }, "nothing")]));
    list("adds", c.changes.filter((x) => x.grows));
    list("removes", c.changes.filter((x) => !x.grows));
  }

  // csv returns the statements as CSV. A cell never begins as a formula of a spreadsheet.
  function csv() {
    const cell = (v) => '"' + String(v ?? "").replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""') + '"';
    const rows = [["role", "policy", "statement", "effect", "risk", "allows", "actions", "resources", "only if", "reason", "for"]];
    response.grants.forEach((g, i) => rows.push([g.entity, g.policyName || g.kind, g.sid, g.effect, g.risk.level, g.risk.effects.map((e) => e.does).join(", "),
      g.actions.join(" "), (g.resources || []).join(" "), (g.onlyIf || []).join("; and "), g.why, response.uses[i].join(", ")]));
    return rows.map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  function showPolicies() {
    const placed = $("account").value.trim() !== "" && $("region").value.trim() !== "";
    $("policies").replaceChildren(...response.policies.map((p) => el("tr", {}, el("td", {}, p.role), el("td", {}, p.entity, el("small", {}, p.why)), el("td", {}, p.kind),
      el("td", { class: "n" }, !placed ? "" : p.size.toLocaleString("en") + (p.kind === "managed" ? " of " + p.limit.toLocaleString("en") : "")))));
    $("sizes").textContent = placed ? "Sizes are the characters that IAM counts." : "Enter your account and Region to see sizes.";
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
    return el("article", { class: "grant " + f.level }, el("header", {}, el("h3", {}, f.title), el("span", { class: "place" }, f.role), el("span", { class: "risk" }, f.level + " risk")), el("dl", {}, ...rows));
  }

  function showGrants() {
    const terms = $("search").value.toLowerCase().split(/\s+/).filter(Boolean), risk = $("risk").value, effect = matters.find((m) => m.name === $("effect").value);
    let list = response.grants.map((g, i) => ({ g, uses: response.uses[i] }));
    list = list.filter(({ g, uses }) => {
      const text = [g.sid, g.entity, g.policy, g.why, g.whyWildcard, g.note, ...(g.remains || []).map((r) => r.text), ...g.actions, ...g.on, ...(g.resources || []), ...(g.onlyIf || []), ...(g.principals || []), ...uses,
        ...g.risk.effects.map((e) => e.does)].join("\n").toLowerCase();
      return terms.every((t) => text.includes(t)) && (!risk || g.risk.level === risk) && (!effect || allows(g, effect));
    });
    $("clear").hidden = terms.length === 0 && !risk && !effect;
    if ($("sort").value) list.sort((a, b) => catalog.levels.indexOf(a.g.risk.level) - catalog.levels.indexOf(b.g.risk.level));
    $("found").textContent = list.length + " of " + response.grants.length + " statements, with those of trust and topic policies";
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
    rows.push(...row("allows", effects + (g.risk.limits.length ? "; limited by " + g.risk.limits.join(" and ") : "")));
    return el("article", { class: "grant " + g.risk.level }, el("header", {}, el("h3", {}, g.sid), el("span", { class: "place" }, place), el("span", { class: "risk" }, g.risk.level + " risk")),
      el("p", { class: "why" }, g.why), el("dl", {}, ...rows), code(g));
  }

  // code returns the folded JSON and ARNs of a statement, which are written when they are opened.
  function code(g) {
    const details = el("details", { class: "code" }, el("summary", {}, "JSON and ARNs"));
    details.addEventListener("toggle", () => {
      if (!details.open || details.children.length > 1) return;
      const text = JSON.stringify(statement(g) || { Sid: g.sid, Effect: g.effect, Action: g.actions, Resource: g.resources, Condition: g.conditions }, null, 2);
      const button = (label, what, value) => Object.assign(el("button", { type: "button", "aria-label": label + " of " + g.sid }, label), { onclick: () => copy(what, value) });
      details.append(el("p", { class: "actions" }, button("Copy JSON", "JSON", text), button("Copy actions", "Actions", g.actions.join("\n")),
        ...(g.resources ? [button("Copy ARNs", "ARNs", g.resources.join("\n"))] : [])), el("pre", { tabindex: "0", "aria-label": "JSON of " + g.sid }, text));
    });
    return details;
  }

  function save(name, text, type = "application/json") {
    const url = URL.createObjectURL(new Blob([text], { type }));
    el("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }

  async function copy(what, text) {
    try { await navigator.clipboard.writeText(text); toast(what + " copied."); }
    catch { toast("The browser does not allow copying; select the text in the page."); }
  }

  // toast shows a message above the page, which moves nothing.
  let hide;
  function toast(text) {
    clearTimeout(hide);
    $("toast").textContent = text;
    hide = setTimeout(() => { $("toast").textContent = ""; }, 4000);
  }

  start().catch((e) => { $("status").textContent = "The page does not run in this browser: " + e.message; $("status").className = "problem"; });
})();
