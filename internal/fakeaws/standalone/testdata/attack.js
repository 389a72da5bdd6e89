// Runs in the page of somebody who wants to reach permstack local from a browser. KEY is set before. Each attack tries to create a role of its own, or to read a secret, and reports what it could read.
const results = {};
const credential = encodeURIComponent(`${KEY}/20260101/us-east-1/iam/aws4_request`);
const body = (name) => new URLSearchParams({Action: "CreateRole", Version: "2010-05-08", RoleName: name,
  AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":' +
    '{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'}).toString();
const query = (host, name) => `http://${host}/?${body(name)}&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${credential}` +
  "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0";
const secret = (host) => `http://${host}/secrets/secret.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=` +
  encodeURIComponent(`${KEY}/20260101/us-east-1/s3/aws4_request`) +
  "&X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=0";
const authorization = `AWS4-HMAC-SHA256 Credential=${KEY}/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0`;
const limit = (promise) => Promise.race([promise, new Promise((r) => setTimeout(() => r(""), 3000))]);

async function attempt(name, run) {
  try {
    const text = await limit(run("Evil-" + name));
    results[name] = text === undefined ? "" : String(text);
  } catch (e) {
    results[name] = ""; // the browser refused to let the page read it
  }
}

const element = (tag, attribute, url) => new Promise((done) => {
  const e = document.createElement(tag);
  e.onload = () => {
    let text = "";
    try { text = e.contentDocument ? e.contentDocument.body.innerText : tag === "img" && e.width ? "image" : ""; } catch (x) {}
    done(text);
  };
  e.onerror = () => done("");
  if (tag === "link") e.rel = "stylesheet";
  e[attribute] = url;
  document.body.append(e);
});

const form = (name, action, enctype) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.name = name;
  document.body.append(frame);
  const f = document.createElement("form");
  Object.assign(f, {method: "POST", action, target: name, enctype});
  for (const [key, value] of new URLSearchParams(body(name))) {
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name: key, value});
    f.append(input);
  }
  document.body.append(f);
  frame.onload = () => {
    try { done(frame.contentDocument.body.innerText); } catch (x) { done(""); }
  };
  f.submit();
});

async function attack(label, host) {
  const go = (name, run) => attempt(`${label}-${name}`, run);
  await go("fetch", async (n) => (await fetch(`http://${host}/`, {method: "POST", body: body(n),
    headers: {authorization, "content-type": "application/x-www-form-urlencoded"}})).text());
  await go("fetch-no-preflight", async (n) => (await fetch(query(host, n), {method: "POST", body: body(n),
    headers: {"content-type": "application/x-www-form-urlencoded"}})).text());
  await go("no-cors-post", async (n) => (await fetch(query(host, n), {method: "POST", mode: "no-cors", body: body(n),
    headers: {"content-type": "application/x-www-form-urlencoded"}})).text());
  await go("no-cors-get", async (n) => (await fetch(query(host, n), {mode: "no-cors"})).text());
  await go("get", async (n) => (await fetch(query(host, n))).text());
  await go("put", async () => (await fetch(secret(host), {method: "PUT", body: "changed"})).text());
  await go("delete", async () => (await fetch(secret(host), {method: "DELETE"})).text());
  await go("beacon", async (n) => void navigator.sendBeacon(query(host, n), new URLSearchParams(body(n))));
  await go("keepalive", async (n) => (await fetch(query(host, n), {method: "POST", mode: "no-cors", keepalive: true,
    body: new URLSearchParams(body(n))})).text());
  await go("xhr", (n) => new Promise((done) => {
    const x = new XMLHttpRequest();
    x.onloadend = () => done(x.responseText);
    x.open("POST", query(host, n));
    x.setRequestHeader("content-type", "application/x-www-form-urlencoded");
    x.send(body(n));
  }));
  await go("form", (n) => form(n, query(host, n), "application/x-www-form-urlencoded"));
  await go("form-text", (n) => form(n, query(host, n), "text/plain"));
  await go("image", (n) => element("img", "src", query(host, n)));
  await go("script", (n) => element("script", "src", query(host, n)));
  await go("style", (n) => element("link", "href", query(host, n)));
  await go("frame", (n) => element("iframe", "src", query(host, n)));
  await go("redirect", async (n) => (await fetch("/redirect?to=" + encodeURIComponent(query(host, n)), {method: "POST",
    mode: "no-cors", body: new URLSearchParams(body(n))})).text());
  await go("secret", async () => (await fetch(secret(host))).text());
  await go("secret-no-cors", async () => (await fetch(secret(host), {mode: "no-cors"})).text());
  await go("secret-script", () => element("script", "src", secret(host)));
  await go("secret-frame", () => element("iframe", "src", secret(host)));
  await go("websocket", (n) => new Promise((done) => {
    const s = new WebSocket(query(host, n).replace("http:", "ws:"));
    s.onopen = () => done("open");
    s.onerror = () => done("");
  }));
  await go("event-source", (n) => new Promise((done) => {
    const s = new EventSource(query(host, n));
    s.onopen = () => done("open");
    s.onerror = () => { s.close(); done(""); };
  }));
}
