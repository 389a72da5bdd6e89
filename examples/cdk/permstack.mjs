// A construct that launches permstack: it includes the launch template of a profile with the AWS CDK.
import { CfnInclude } from "aws-cdk-lib/cloudformation-include";
import { Construct } from "constructs";

export class Permstack extends Construct {
  /**
   * @param {Construct} scope
   * @param {string} id
   * @param {object} props
   * @param {string} props.templateFile template of the profile from a release, such as clumio.yaml
   * @param {Object<string, string>} props.parameters fixed parameters: "yes" and "no" for questions, lists with commas.
   *   The others stay parameters of the stack, such as ExternalId, which is a secret: give it to 'cdk deploy
   *   --parameters'.
   */
  constructor(scope, id, { templateFile, parameters = {} }) {
    super(scope, id);
    if ("ExternalId" in parameters) {
      throw new Error("ExternalId is a secret, which would be in the synthesized template: use 'cdk deploy --parameters'");
    }
    this.template = new CfnInclude(this, "Template", { templateFile, preserveLogicalIds: true });
    for (const [name, value] of Object.entries(parameters)) {
      // A default, and not CfnInclude's parameters: the rules of the template read the parameter.
      this.template.getParameter(name).default = value;
    }
  }

  /** Returns an output of the template, such as ClumioIAMRoleArn, which the vendor needs. */
  output(name) {
    return this.template.getOutput(name).value;
  }
}
