// Evaluates IAM requests with @cloud-copilot/iam-simulate: a JSON list of
// {principal, account, policies, action, resource, resourceAccount, context}
// on stdin, the list of results ("Allowed", "ImplicitlyDenied", …, or what is
// wrong with the request) on stdout.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.cwd() + "/"));
const { runSimulation } = await import(pathToFileURL(require.resolve("@cloud-copilot/iam-simulate")));

const results = [];
for (const r of JSON.parse(readFileSync(0, "utf8"))) {
  const out = await runSimulation({
    identityPolicies: r.policies.map((policy, i) => ({ name: `policy-${i}`, policy })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    request: {
      principal: r.principal,
      action: r.action,
      resource: { resource: r.resource, accountId: r.account },
      contextVariables: r.context,
    },
  }, {});
  // Only the identity policies are evaluated: KMS would require a key policy too.
  // A resource that is itself a pattern is evaluated once for each resource type.
  const evaluated = (out.results ?? [out.result]).map((x) => x?.analysis?.identityAnalysis?.result);
  const identity = evaluated.every((x) => x === evaluated[0]) ? evaluated[0] : evaluated.join(", ");
  results.push(identity || (out.errors?.message ?? JSON.stringify(out).slice(0, 500)));
}
console.log(JSON.stringify(results));
