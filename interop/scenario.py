"""Runs a scenario on `permstack local` with boto3: launch, update, drift, failure,
delete. The environment has the endpoint and the account. The exit status is 1, with
a reason, at the first check that fails.
"""

import os
import sys

import boto3
from botocore.exceptions import ClientError, WaiterError

TEMPLATE = os.environ["AWS_ENDPOINT_URL"] + "/permstack-local-templates/template.yaml"
STACK = "backup"
FAST = {"Delay": 1, "MaxAttempts": 600}

cfn = boto3.client("cloudformation")
iam = boto3.client("iam")
sns = boto3.client("sns")
events = boto3.client("events")
sts = boto3.client("sts")


def check(held, what):
    if not held:
        sys.exit(f"check failed: {what}")


def parameters(protect, **more):
    values = {
        "ControlPlaneRoleArn": "arn:aws:iam::111122223333:role/Control",
        "DataPlaneAccountId": "444455556666",
        "ExternalId": "example",
        "ConnectionId": "boto",
        **{"Protect" + a: "yes" if a in protect else "no" for a in ("EC2", "EC2MSSQL", "RDS", "DynamoDB", "S3")},
        **more,
    }
    return [{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()]


def outputs(name=STACK):
    stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
    return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}


def actions(role):
    """Every action that a role's policies allow."""
    found = set()
    documents = []
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for policy in page["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            documents.append(iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)["PolicyVersion"]["Document"])
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        documents += [iam.get_role_policy(RoleName=role, PolicyName=n)["PolicyDocument"] for n in page["PolicyNames"]]
    for document in documents:
        for statement in document["Statement"]:
            if statement["Effect"] != "Allow":
                continue
            listed = statement["Action"]
            found.update([listed] if isinstance(listed, str) else listed)
    return found


def refused(code, call, **arguments):
    """Calls, requires an error with the code, and returns its message."""
    try:
        call(**arguments)
    except ClientError as e:
        check(e.response["Error"]["Code"] == code, f"want {code}, got {e}")
        return e.response["Error"]["Message"]
    sys.exit(f"check failed: {call.__name__} was not refused with {code}")


check(sts.get_caller_identity()["Account"] == "333333333333", "the access key id chooses the account")

# Without the capability nothing is created.
refused("InsufficientCapabilitiesException", cfn.create_stack,
        StackName=STACK, TemplateURL=TEMPLATE, Parameters=parameters({"EC2"}))

cfn.create_stack(StackName=STACK, TemplateURL=TEMPLATE, Parameters=parameters({"EC2", "S3"}, ResourceTags="team=storage,stage=test"),
                 Capabilities=["CAPABILITY_IAM"])
cfn.get_waiter("stack_create_complete").wait(StackName=STACK, WaiterConfig=FAST)
launched = outputs()
role = launched["RoleArn"].rsplit("/", 1)[1]
check(role == "ClumioIAMRole-us-west-2-boto", f"the role is named {role}")
before = actions(role)
check("s3:GetObject" in before and "ec2:CreateSnapshot" in before, "the role may back up EC2 and S3")
found = iam.get_role(RoleName=role)["Role"]
check(found["AssumeRolePolicyDocument"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"] == "example",
      "the trust policy requires the external id")
tags = {t["Key"]: t["Value"] for t in found["Tags"]}
check(tags.get("team") == "storage" and tags.get("stage") == "test", f"the tags reach the role: {tags}")
installers = iam.list_roles(PathPrefix=f"/permstack/{cfn.meta.region_name}/boto/installer/")["Roles"]
check(len(installers) == 3, f"there are three roles of the stack itself: {installers}")
for installer in installers:
    own = {t["Key"]: t["Value"] for t in iam.get_role(RoleName=installer["RoleName"])["Role"].get("Tags", [])}
    check(own.get("team") == "storage" and own.get("stage") == "test", f"the tags reach the stack's own roles: {own}")
check(sns.get_topic_attributes(TopicArn=launched["EventTopicArn"])["Attributes"]["TopicArn"] == launched["EventTopicArn"], "the topic exists")
rules = events.list_rules(NamePrefix="Clumio")["Rules"]  # the rule of the drift check has another prefix
check(rules, "there are event rules")
for rule in rules:
    targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    check([t["Arn"] for t in targets] == [launched["EventTopicArn"]], f"rule {rule['Name']} feeds the topic")

# The permission stack belongs to CloudFormation, so it sees drift.
inner = [s["StackName"] for s in cfn.describe_stacks()["Stacks"] if s["StackName"] != STACK]
check(inner, "there is a permission stack")
access = [n for n in inner if n.endswith("-access")][0]
status = {r["StackResourceDriftStatus"] for r in [
    cfn.detect_stack_resource_drift(StackName=access, LogicalResourceId="ClumioIAMRole")["StackResourceDrift"]]}
check(status == {"IN_SYNC"}, f"the role is in sync: {status}")

# An update without an asset removes its access; the same update again changes nothing.
cfn.update_stack(StackName=STACK, UsePreviousTemplate=True, Parameters=parameters({"EC2"}), Capabilities=["CAPABILITY_IAM"])
cfn.get_waiter("stack_update_complete").wait(StackName=STACK, WaiterConfig=FAST)
after = actions(role)
check(after < before and "s3:GetObject" not in after, "the update removed S3 and added nothing")
check(outputs()["RoleArn"] == launched["RoleArn"], "the role is the same")
message = refused("ValidationError", cfn.update_stack, StackName=STACK, UsePreviousTemplate=True,
                  Parameters=parameters({"EC2"}), Capabilities=["CAPABILITY_IAM"])
check("No updates" in message, message)

# Rules refuse invalid choices.
message = refused("ValidationError", cfn.create_stack, StackName="invalid", TemplateURL=TEMPLATE,
                  Parameters=parameters({"S3"}, DataPlaneAccountId=""), Capabilities=["CAPABILITY_IAM"])
check("DataPlaneAccountId is required" in message, message)

# A failure has a reason and leaves nothing behind.
name = "ClumioIAMRole-us-west-2-taken"
iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow",'
                '"Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
cfn.create_stack(StackName="fails", TemplateURL=TEMPLATE, Parameters=parameters({"EC2"}, ConnectionId="taken"),
                 Capabilities=["CAPABILITY_IAM"])
try:
    cfn.get_waiter("stack_create_complete").wait(StackName="fails", WaiterConfig=FAST)
    sys.exit("check failed: the second launch did not fail")
except WaiterError as e:
    check("ROLLBACK" in str(e), str(e))
stack = cfn.describe_stacks(StackName="fails")["Stacks"][0]
while stack["StackStatus"].endswith("_IN_PROGRESS"):
    stack = cfn.describe_stacks(StackName="fails")["Stacks"][0]
check(stack["StackStatus"] == "ROLLBACK_COMPLETE", stack["StackStatus"])
reasons = [e.get("ResourceStatusReason", "") for p in cfn.get_paginator("describe_stack_events").paginate(StackName="fails")
           for e in p["StackEvents"] if e["ResourceStatus"] == "CREATE_FAILED"]
check(any(name in r for r in reasons), f"the reason names the role: {reasons}")
taken = [r["RoleName"] for r in iam.list_roles()["Roles"] if r["RoleName"].endswith("-taken")]
check(taken == [name], f"only the existing role is left: {taken}")

for name_of_stack in ("fails", STACK):
    cfn.delete_stack(StackName=name_of_stack)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name_of_stack, WaiterConfig=FAST)
iam.delete_role(RoleName=name)
left = {
    "stacks": cfn.describe_stacks()["Stacks"], "roles": iam.list_roles()["Roles"],
    "policies": iam.list_policies(Scope="Local")["Policies"], "profiles": iam.list_instance_profiles()["InstanceProfiles"],
    "topics": sns.list_topics()["Topics"], "rules": events.list_rules()["Rules"],
}
check(not any(left.values()), f"nothing is left: {left}")
print("every check passed")
