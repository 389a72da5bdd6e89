"""Calls the operations of the embedded AWS with boto3 and compares each response with
botocore's model. The environment has the endpoint and the account. The exit status
is 1, with a list, if a response differs or an operation was not called with success.
"""

import io
import json
import os
import re
import sys
import time
import urllib.request
import zipfile

import boto3
from botocore.exceptions import ClientError
from response_models import Observer

observer = Observer()
observer.observe()

ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
REGION = "us-east-1"
SERVICES = ["iam", "sts", "sns", "sqs", "events", "ssm", "cloudformation", "lambda"]
clients = {name: boto3.client(name) for name in SERVICES + ["s3"]}
succeeded = {name: set() for name in clients}

# Operations that this scenario does not reach; each has a Go test. StackSets and
# Organizations are in docs/stacksets.md, which a test runs.
ELSEWHERE = re.compile(
    r"StackSet|StackInstance|OrganizationsAccess|EventSourceMapping|UpdateFunctionCode|"
    r"ContinueUpdateRollback|CancelUpdateStack|RollbackStack|"
    r"DecodeAuthorizationMessage")  # no service here returns an encoded message


def call(service, operation, **parameters):
    client = clients[service]
    method = next(m for m, o in client.meta.method_to_api_mapping.items() if o == operation)
    response = getattr(client, method)(**parameters)
    succeeded[service].add(operation)
    return response


def trust(principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]})
TAGS = [{"Key": "k", "Value": "v"}]


def iam():
    role = {"RoleName": "r"}
    call("iam", "CreateRole", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), Tags=TAGS,
         Description="d", **role)
    made = call("iam", "CreatePolicy", PolicyName="p", PolicyDocument=DOCUMENT, Description="d", Tags=TAGS)
    arn = made["Policy"]["Arn"]
    policy = {"PolicyArn": arn}
    version = call("iam", "CreatePolicyVersion", PolicyDocument=DOCUMENT, **policy)["PolicyVersion"]["VersionId"]
    call("iam", "SetDefaultPolicyVersion", VersionId=version, **policy)
    call("iam", "DeletePolicyVersion", VersionId="v1", **policy)
    call("iam", "AttachRolePolicy", **policy, **role)
    call("iam", "PutRolePolicy", PolicyName="i", PolicyDocument=DOCUMENT, **role)
    call("iam", "PutRolePermissionsBoundary", PermissionsBoundary=arn, **role)
    call("iam", "CreateInstanceProfile", InstanceProfileName="ip", Tags=TAGS)
    call("iam", "AddRoleToInstanceProfile", InstanceProfileName="ip", **role)
    principal = f"arn:aws:iam::{ACCOUNT}:role/r"
    call("iam", "SimulatePrincipalPolicy", PolicySourceArn=principal, ActionNames=["s3:GetObject"])
    job = call("iam", "GenerateServiceLastAccessedDetails", Arn=principal, Granularity="ACTION_LEVEL")["JobId"]
    call("iam", "GetServiceLastAccessedDetails", JobId=job)
    call("iam", "TagRole", Tags=TAGS, **role)
    call("iam", "TagPolicy", Tags=TAGS, **policy)
    call("iam", "TagInstanceProfile", Tags=TAGS, InstanceProfileName="ip")
    for operation in ("GetRole", "ListAttachedRolePolicies", "ListRolePolicies", "ListRoleTags",
                      "ListInstanceProfilesForRole"):
        call("iam", operation, **role)
    for operation in ("GetPolicy", "ListPolicyVersions", "ListPolicyTags", "ListEntitiesForPolicy"):
        call("iam", operation, **policy)
    call("iam", "GetPolicyVersion", VersionId=version, **policy)
    call("iam", "GetRolePolicy", PolicyName="i", **role)
    for operation in ("GetInstanceProfile", "ListInstanceProfileTags"):
        call("iam", operation, InstanceProfileName="ip")
    for operation in ("ListRoles", "ListPolicies", "ListInstanceProfiles", "ListAccountAliases"):
        call("iam", operation)
    call("iam", "UpdateRole", Description="e", **role)
    call("iam", "UpdateRoleDescription", Description="f", **role)
    call("iam", "UpdateAssumeRolePolicy", PolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}), **role)
    call("sts", "GetCallerIdentity")
    call("sts", "AssumeRole", RoleArn=f"arn:aws:iam::{ACCOUNT}:role/r", RoleSessionName="session")
    call("iam", "UntagRole", TagKeys=["k"], **role)
    call("iam", "UntagPolicy", TagKeys=["k"], **policy)
    call("iam", "UntagInstanceProfile", TagKeys=["k"], InstanceProfileName="ip")
    call("iam", "DeleteRolePermissionsBoundary", **role)
    call("iam", "DetachRolePolicy", **policy, **role)
    call("iam", "DeleteRolePolicy", PolicyName="i", **role)
    call("iam", "RemoveRoleFromInstanceProfile", InstanceProfileName="ip", **role)
    call("iam", "DeleteInstanceProfile", InstanceProfileName="ip")
    call("iam", "DeletePolicy", **policy)
    call("iam", "DeleteRole", **role)


def messaging():
    queue = {"QueueUrl": call("sqs", "CreateQueue", QueueName="q", tags={"k": "v"})["QueueUrl"]}
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
    call("sqs", "SetQueueAttributes", Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage",
         "Resource": queue_arn}]})}, **queue)
    topic = call("sns", "CreateTopic", Name="t", Tags=TAGS)["TopicArn"]
    subscription = call("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)["SubscriptionArn"]
    call("sns", "Subscribe", TopicArn=topic, Protocol="email", Endpoint="a@example.com")
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_permstack/confirmations") as list_of_all:
        token = next(c["token"] for c in json.load(list_of_all) if c["topic"] == topic)
    call("sns", "ConfirmSubscription", TopicArn=topic, Token=token)
    call("sns", "AddPermission", TopicArn=topic, Label="l", AWSAccountId=[ACCOUNT], ActionName=["Publish"])
    call("sns", "RemovePermission", TopicArn=topic, Label="l")
    call("sns", "SetSubscriptionAttributes", SubscriptionArn=subscription, AttributeName="RawMessageDelivery",
         AttributeValue="true")
    call("sns", "GetSubscriptionAttributes", SubscriptionArn=subscription)
    call("sns", "SetTopicAttributes", TopicArn=topic, AttributeName="DisplayName", AttributeValue="d")
    for operation in ("GetTopicAttributes", "ListSubscriptionsByTopic"):
        call("sns", operation, TopicArn=topic)
    call("sns", "Publish", TopicArn=topic, Message="m", Subject="s",
         MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
    for operation in ("ListTopics", "ListSubscriptions"):
        call("sns", operation)
    call("sns", "TagResource", ResourceArn=topic, Tags=TAGS)
    call("sns", "ListTagsForResource", ResourceArn=topic)
    call("sns", "UntagResource", ResourceArn=topic, TagKeys=["k"])
    call("sqs", "SendMessage", MessageBody="m", **queue)
    for operation in ("GetQueueAttributes", "ReceiveMessage"):
        more = {"AttributeNames": ["All"]}
        if operation == "ReceiveMessage":
            more = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        last = call("sqs", operation, **more, **queue)
    receipt = {"ReceiptHandle": last["Messages"][0]["ReceiptHandle"]}
    call("sqs", "ChangeMessageVisibility", VisibilityTimeout=5, **receipt, **queue)
    call("sqs", "DeleteMessage", **receipt, **queue)
    call("sqs", "SendMessageBatch", Entries=[{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "2"}], **queue)
    received = call("sqs", "ReceiveMessage", MaxNumberOfMessages=10, **queue)["Messages"]
    entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(received)]
    call("sqs", "ChangeMessageVisibilityBatch",
         Entries=[{**e, "VisibilityTimeout": 5} for e in entries] + [{"Id": "no", "ReceiptHandle": "no"}], **queue)
    call("sqs", "DeleteMessageBatch", Entries=entries, **queue)
    call("sqs", "AddPermission", Label="l", AWSAccountIds=[ACCOUNT], Actions=["SendMessage"], **queue)
    call("sqs", "RemovePermission", Label="l", **queue)
    call("sqs", "GetQueueUrl", QueueName="q")
    call("sqs", "ListQueues")
    call("sqs", "TagQueue", Tags={"k": "v"}, **queue)
    call("sqs", "ListQueueTags", **queue)
    call("sqs", "UntagQueue", TagKeys=["k"], **queue)
    call("sqs", "PurgeQueue", **queue)
    call("sns", "Unsubscribe", SubscriptionArn=subscription)

    rule = call("events", "PutRule", Name="rule", EventPattern='{"source":["x"]}', Tags=TAGS)["RuleArn"]
    call("events", "PutTargets", Rule="rule", Targets=[{"Id": "1", "Arn": queue_arn}])
    for operation in ("DescribeRule", "DisableRule", "EnableRule"):
        call("events", operation, Name="rule")
    call("events", "ListTargetsByRule", Rule="rule")
    call("events", "ListRules")
    call("events", "DescribeEventBus")
    call("events", "ListEventBuses")
    call("events", "ListRuleNamesByTarget", TargetArn=queue_arn)
    call("events", "TestEventPattern", EventPattern='{"source":["x"]}', Event=json.dumps({
        "id": "1", "account": ACCOUNT, "source": "x", "time": "2026-01-01T00:00:00Z", "region": REGION,
        "resources": [], "detail-type": "d", "detail": {}}))
    call("events", "TagResource", ResourceARN=rule, Tags=TAGS)
    call("events", "ListTagsForResource", ResourceARN=rule)
    call("events", "UntagResource", ResourceARN=rule, TagKeys=["k"])
    call("events", "PutEvents", Entries=[{"Source": "x", "DetailType": "d", "Detail": "{}"}])
    call("events", "RemoveTargets", Rule="rule", Ids=["1"])
    call("events", "DeleteRule", Name="rule")
    call("sns", "DeleteTopic", TopicArn=topic)
    call("sqs", "DeleteQueue", **queue)


def parameters():
    resource = {"ResourceType": "Parameter", "ResourceId": "/p"}
    call("ssm", "PutParameter", Name="/p", Type="String", Value="v", Tags=TAGS)
    call("ssm", "GetParameter", Name="/p")
    call("ssm", "GetParameters", Names=["/p", "/none"])
    call("ssm", "GetParameterHistory", Name="/p")
    call("ssm", "DescribeParameters")
    call("ssm", "AddTagsToResource", Tags=TAGS, **resource)
    call("ssm", "ListTagsForResource", **resource)
    call("ssm", "RemoveTagsFromResource", TagKeys=["k"], **resource)
    call("ssm", "DeleteParameter", Name="/p")


def objects():
    bucket = {"Bucket": f"responses-{ACCOUNT}"}
    one = {**bucket, "Key": "a/b"}
    call("s3", "CreateBucket", **bucket)
    call("s3", "PutBucketVersioning", VersioningConfiguration={"Status": "Enabled"}, **bucket)
    call("s3", "PutBucketTagging", Tagging={"TagSet": TAGS}, **bucket)
    call("s3", "PutObject", Body=b"x", **one)
    for operation in ("HeadBucket", "GetBucketLocation", "ListObjects", "ListObjectsV2", "ListObjectVersions",
                      "GetBucketVersioning", "GetBucketTagging"):
        call("s3", operation, **bucket)
    for operation in ("HeadObject", "GetObject"):
        call("s3", operation, **one)
    call("s3", "ListBuckets")
    upload = call("s3", "CreateMultipartUpload", Bucket=bucket["Bucket"], Key="m")["UploadId"]
    part = call("s3", "UploadPart", Bucket=bucket["Bucket"], Key="m", UploadId=upload, PartNumber=1, Body=b"y")
    call("s3", "CompleteMultipartUpload", Bucket=bucket["Bucket"], Key="m", UploadId=upload,
         MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    call("s3", "DeleteObject", **one)


TEMPLATE = """
Parameters: {Name: {Type: String, Default: one}}
Resources:
  Topic: {Type: AWS::SNS::Topic, Properties: {DisplayName: !Ref Name}}
Outputs: {Arn: {Value: !Ref Topic, Export: {Name: topic}}}
"""


def stacks():
    stack = {"StackName": "s"}
    call("cloudformation", "ValidateTemplate", TemplateBody=TEMPLATE)
    call("cloudformation", "GetTemplateSummary", TemplateBody=TEMPLATE)
    call("cloudformation", "CreateStack", TemplateBody=TEMPLATE, Tags=TAGS, **stack)
    clients["cloudformation"].get_waiter("stack_create_complete").wait(WaiterConfig={"Delay": 1}, **stack)
    clients["sns"].set_topic_attributes(
        TopicArn=clients["cloudformation"].describe_stacks(**stack)["Stacks"][0]["Outputs"][0]["OutputValue"],
        AttributeName="DisplayName", AttributeValue="changed")
    for operation in ("DescribeStacks", "DescribeStackEvents", "DescribeEvents", "DescribeStackResources",
                      "ListStackResources", "GetTemplate", "ListChangeSets"):
        call("cloudformation", operation, **stack)
    call("cloudformation", "DescribeStackResource", LogicalResourceId="Topic", **stack)
    call("cloudformation", "DetectStackResourceDrift", LogicalResourceId="Topic", **stack)
    detection = call("cloudformation", "DetectStackDrift", **stack)["StackDriftDetectionId"]
    call("cloudformation", "DescribeStackDriftDetectionStatus", StackDriftDetectionId=detection)
    while clients["cloudformation"].describe_stack_drift_detection_status(
            StackDriftDetectionId=detection)["DetectionStatus"] == "DETECTION_IN_PROGRESS":
        time.sleep(0.1)
    call("cloudformation", "DescribeStackDriftDetectionStatus", StackDriftDetectionId=detection)
    call("cloudformation", "DescribeStackResourceDrifts", **stack)
    for operation in ("DescribeStacks", "DescribeStackResources", "ListStackResources"):
        call("cloudformation", operation, **stack)
    call("cloudformation", "SetStackPolicy", StackPolicyBody=json.dumps({"Statement": [
        {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}), **stack)
    call("cloudformation", "GetStackPolicy", **stack)
    for operation in ("ListStacks", "ListExports"):
        call("cloudformation", operation)
    call("cloudformation", "UpdateTerminationProtection", EnableTerminationProtection=False, **stack)
    for name in ("one", "two"):
        change = {"ChangeSetName": name, **stack}
        call("cloudformation", "CreateChangeSet", TemplateBody=TEMPLATE,
             Parameters=[{"ParameterKey": "Name", "ParameterValue": name + "!"}], **change)
        clients["cloudformation"].get_waiter("change_set_create_complete").wait(WaiterConfig={"Delay": 1}, **change)
        call("cloudformation", "DescribeChangeSet", **change)
        call("cloudformation", "ListChangeSets", **stack)
    call("cloudformation", "DeleteChangeSet", ChangeSetName="one", **stack)
    call("cloudformation", "ExecuteChangeSet", ChangeSetName="two", **stack)
    clients["cloudformation"].get_waiter("stack_update_complete").wait(WaiterConfig={"Delay": 1}, **stack)
    call("cloudformation", "UpdateStack", TemplateBody=TEMPLATE, **stack)
    clients["cloudformation"].get_waiter("stack_update_complete").wait(WaiterConfig={"Delay": 1}, **stack)
    call("cloudformation", "DescribeStackEvents", **stack)
    call("cloudformation", "DeleteStack", **stack)


FUNCTION = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: f
      Role: !GetAtt Role.Arn
      Runtime: provided.al2023
      Handler: bootstrap
      Code: {S3Bucket: BUCKET, S3Key: f.zip}
"""


def functions():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as z:
        z.writestr("bootstrap", "none")
    bucket = f"responses-{ACCOUNT}"
    clients["s3"].put_object(Bucket=bucket, Key="f.zip", Body=archive.getvalue())
    clients["cloudformation"].create_stack(StackName="f", TemplateBody=FUNCTION.replace("BUCKET", bucket),
                                           Capabilities=["CAPABILITY_IAM"])
    clients["cloudformation"].get_waiter("stack_create_complete").wait(StackName="f", WaiterConfig={"Delay": 1})
    function = {"FunctionName": "f"}
    call("lambda", "AddPermission", StatementId="s", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com",
         **function)
    call("lambda", "PutFunctionEventInvokeConfig", MaximumRetryAttempts=0, **function)
    call("lambda", "ListFunctions")
    call("lambda", "PutFunctionConcurrency", ReservedConcurrentExecutions=1, **function)
    call("lambda", "UpdateFunctionConfiguration", Description="d", **function)
    version = call("lambda", "PublishVersion", **function)["Version"]
    call("lambda", "CreateAlias", Name="a", FunctionVersion=version, **function)
    call("lambda", "CreateFunctionUrlConfig", AuthType="AWS_IAM", **function)
    for operation in ("GetFunction", "GetFunctionConfiguration", "GetPolicy", "GetFunctionEventInvokeConfig",
                      "ListVersionsByFunction", "ListAliases", "ListFunctionUrlConfigs"):
        call("lambda", operation, **function)
    call("lambda", "UpdateFunctionEventInvokeConfig", MaximumRetryAttempts=1, **function)
    call("lambda", "DeleteFunctionEventInvokeConfig", **function)
    arn = call("lambda", "GetFunctionConfiguration", **function)["FunctionArn"]
    call("lambda", "TagResource", Resource=arn, Tags={"k": "v"})
    call("lambda", "ListTags", Resource=arn)
    call("lambda", "UntagResource", Resource=arn, TagKeys=["k"])
    publishers = {"SigningProfileVersionArns": [
        f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/Release/WlXrTjGnKQ"]}
    signing = {"CodeSigningConfigArn": call(
        "lambda", "CreateCodeSigningConfig", AllowedPublishers=publishers)["CodeSigningConfig"]["CodeSigningConfigArn"]}
    call("lambda", "GetCodeSigningConfig", **signing)
    call("lambda", "PutFunctionCodeSigningConfig", **signing, **function)
    call("lambda", "GetFunctionCodeSigningConfig", **function)
    call("lambda", "DeleteFunctionCodeSigningConfig", **function)
    call("lambda", "DeleteCodeSigningConfig", **signing)
    call("lambda", "DeleteAlias", Name="a", **function)
    call("lambda", "DeleteFunctionUrlConfig", **function)
    call("lambda", "DeleteFunctionConcurrency", **function)
    call("lambda", "RemovePermission", StatementId="s", **function)
    call("lambda", "DeleteFunction", **function)
    clients["cloudformation"].delete_stack(StackName="f")


# Differences that AWS's own responses have.
AWS = {
    # The stack's own events have every status of the stack ("Stack status codes", CloudFormation User Guide).
    "DescribeStackEventsOutput.StackEvents[].ResourceStatus: 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS' is not in the "
    "enumeration ResourceStatus",
    # "This data type can only have a value of Policy" (AttachedPermissionsBoundary, IAM API Reference).
    "GetRoleResponse.Role.PermissionsBoundary.PermissionsBoundaryType: 'Policy' is not in the enumeration "
    "PermissionsBoundaryAttachmentType",
    "UpdateRoleDescriptionResponse.Role.PermissionsBoundary.PermissionsBoundaryType: 'Policy' is not in the "
    "enumeration PermissionsBoundaryAttachmentType",
    # API reference, GetServiceLastAccessedDetails: the date is null while the job is in progress.
    "GetServiceLastAccessedDetailsResponse: required JobCompletionDate is missing",
    # Recorded responses of IAM have this text.
    "SimulatePolicyResponse.EvaluationResults[].MatchedStatements[].SourcePolicyType: 'IAM Policy' is not in the "
    "enumeration PolicySourceType",
}

# An operation of each service that the embedded AWS does not have: its refusal lists
# those that it has.
MISSING = {
    "iam": ("list_users", {}), "sts": ("get_session_token", {}), "sns": ("list_platform_applications", {}),
    "sqs": ("list_message_move_tasks", {"SourceArn": "a"}), "events": ("list_archives", {}),
    "ssm": ("list_documents", {}), "cloudformation": ("list_types", {}), "lambda": ("list_layers", {}),
}

for scenario in (iam, messaging, parameters, objects, stacks, functions):
    scenario()
problems = sorted(observer.differences - AWS)
for service, (method, arguments) in MISSING.items():
    try:
        getattr(clients[service], method)(**arguments)
        problems.append(f"{service}: {method} succeeds: take another operation")
    except ClientError as e:
        names = re.search(r"\(it has: (.*)\)", str(e)).group(1).split(", ")
        problems += [f"{service}: {name} is not called by this scenario"
                     for name in names if name not in succeeded[service] and not ELSEWHERE.search(name)]
if problems:
    sys.exit("\n".join(problems))
print(f"{sum(len(s) for s in succeeded.values())} operations: every response matches botocore's model")
