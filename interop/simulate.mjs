// Evaluates IAM requests with @cloud-copilot/iam-simulate: JSON on stdin,
// {documents, requests: [{principal, account, policies, action, resource, context}]},
// in which the policies of a request are numbers of documents. The list of
// results is written to stdout ("Allowed", "ImplicitlyDenied", …, or what is
// wrong with the request).
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.cwd() + "/"));
const simulator = require.resolve("@cloud-copilot/iam-simulate");
const { runSimulation } = require(simulator);
const { createValidatedPolicy, validateIdentityPolicy } = createRequire(simulator)("@cloud-copilot/iam-policy");

const { documents, requests } = JSON.parse(readFileSync(0, "utf8"));
// Requests share documents, each of which is validated once.
const policies = documents.map((d) => createValidatedPolicy(d, validateIdentityPolicy));

const results = [];
for (const r of requests) {
  const out = await runSimulation({
    identityPolicies: r.policies.map((i) => ({ name: `policy-${i}`, policy: policies[i] })),
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
