// Includes a template with the AWS CDK and prints the template that it synthesizes, as JSON.
// Usage: node cdk.mjs FOLDER-OF-NODE_MODULES TEMPLATE
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.argv[2] + "/"));
const { App, LegacyStackSynthesizer, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");

const outdir = mkdtempSync(join(tmpdir(), "cdk-"));
try {
  const app = new App({ outdir, analyticsReporting: false });
  // The legacy synthesizer adds nothing to the template: no bootstrap version is
  // read from a parameter of the account.
  const stack = new Stack(app, "Included", { synthesizer: new LegacyStackSynthesizer() });
  new CfnInclude(stack, "Template", { templateFile: process.argv[3] });
  console.log(JSON.stringify(app.synth().getStackArtifact(stack.artifactId).template));
} finally {
  rmSync(outdir, { recursive: true });
}
