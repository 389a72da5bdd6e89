// Clumio's access for EC2 and S3, backup alone. Run it with:
//
//   npm install aws-cdk-lib constructs
//   npx cdk bootstrap
//   npx cdk deploy --app "node app.mjs" --parameters ExternalId=$EXTERNAL_ID
//
// TEMPLATE is the template of the profile from a release. It is larger than CloudFormation accepts in a request, so
// that 'cdk deploy' uploads it to the bucket of 'cdk bootstrap'.
import { App, CfnOutput, LegacyStackSynthesizer, Stack } from "aws-cdk-lib";
import { Permstack } from "./permstack.mjs";

const app = new App({ analyticsReporting: false });
// The legacy synthesizer adds no parameter and no rule of the CDK to the template.
const stack = new Stack(app, "permstack-clumio", { synthesizer: new LegacyStackSynthesizer() });
const clumio = new Permstack(stack, "Clumio", {
  templateFile: process.env.TEMPLATE ?? "clumio.yaml",
  parameters: {
    ControlPlaneRoleArn: "arn:aws:iam::111122223333:role/Control",
    ConnectionId: "c-1",
    DataPlaneAccountId: "444455556666",
    ProtectEC2: "yes",
    ProtectS3: "yes",
    AllowRestore: "no",
  },
});
new CfnOutput(stack, "RoleToEnterAtClumio", { value: clumio.output("ClumioIAMRoleArn") });
app.synth();
