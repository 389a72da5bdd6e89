package clumio

import "permstack/internal/policies/schema"

var ec2MSSQLPolicy = schema.Policy{
	Entity: "ClumioEC2MSSQLBackupRestorePolicy",
	Kind:   schema.Managed,
	Why:    "protection of SQL Server on EC2, through Systems Manager",
	For:    of(ec2MSSQL),
	Statements: []schema.Statement{
		{
			Sid:         "FollowCommands",
			Why:         "describe instances, read the outcome of an SSM command and cancel one that is running",
			Actions:     []string{"ec2:DescribeInstances", "ssm:GetCommandInvocation", "ssm:CancelCommand"},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevel,
		},
		readInstanceProfiles,
		{
			Sid:       "SendCommandToVendorInstances",
			Why:       "run commands on an instance through SSM; only on instances that carry the vendor tag",
			Actions:   []string{"ssm:SendCommand"},
			Resources: []string{anyInstance},
			When:      onVendorTagged,
		},
		{
			Sid:       "SendClumioDocuments",
			Why:       "run Clumio's own SSM documents, and no others",
			Actions:   []string{"ssm:SendCommand"},
			Resources: []string{vendorDocuments},
		},
		{
			Sid:       "ReadNotificationRole",
			Why:       "read the SSM notification role",
			Actions:   []string{"iam:GetRole"},
			Resources: []string{"${roles:ClumioSSMNotificationRole}"},
		},
		{
			Sid:       "PassNotificationRole",
			Why:       "hand the SSM notification role to SSM",
			Actions:   []string{"iam:PassRole"},
			Resources: []string{"${roles:ClumioSSMNotificationRole}"},
			When:      passedTo("ssm.amazonaws.com"),
		},
		{
			Sid:       "CreateVendorVolumes",
			Why:       "create a volume when a restore runs short of space; only with the vendor tag in the request",
			For:       to(restore, ec2MSSQL),
			Actions:   []string{"ec2:CreateVolume"},
			Resources: []string{anyVolume},
			When:      requestsVendorTag,
		},
		{
			Sid:       "UseVendorVolumes",
			Why:       "attach that volume to, or detach it from, an instance; both vendor-tagged",
			For:       to(restore, ec2MSSQL),
			Actions:   []string{"ec2:AttachVolume", "ec2:DetachVolume"},
			Resources: []string{anyVolume, anyInstance},
			When:      onVendorTagged,
		},
		{
			Sid:       "DeleteVendorVolumes",
			Why:       "delete that volume and take its vendor tags off; vendor-tagged volumes only",
			For:       to(restore, ec2MSSQL),
			Actions:   []string{"ec2:DeleteVolume", "ec2:DeleteTags"},
			Resources: []string{anyVolume},
			When:      onVendorTagged,
		},
		{
			Sid:       "TagVolumesWhileCreating",
			Why:       "put the vendor tag on that volume as part of creating it, never on its own",
			For:       to(restore, ec2MSSQL),
			Actions:   []string{"ec2:CreateTags"},
			Resources: []string{anyVolume},
			When:      whileCreating("CreateVolume"),
		},
	},
}

var ssmInstanceRole = schema.Role{
	Entity: "ClumioEC2MSSQLSSMInstanceRoleV2",
	Why:    "given to SQL Server instances that have no role, so that Systems Manager reaches them",
	For:    of(ec2MSSQL),
	Trust: []schema.Trust{{
		Sid:     "OnlyEC2",
		Why:     "taken by EC2 instances, for the calls of their SSM agent",
		Service: "${EC2Service}",
	}},
	InstanceProfile: "ClumioEC2MSSQLSSMInstanceProfile",
	Policies: []schema.Policy{{
		Entity: "ClumioEC2MSSQLSSMInstancePolicy",
		Kind:   schema.Inline,
		Why:    "the calls of the SSM agent",
		Statements: []schema.Statement{
			{
				Sid: "RunAgent",
				Why: "register the instance and report on it, exchange messages with Session Manager and the message delivery service",
				Actions: []string{
					"ec2:DescribeInstances",
					"ssm:DescribeInstanceProperties", "ssm:RegisterManagedInstance", "ssm:GetManifest",
					"ssm:PutConfigurePackageResult",
					"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
					"ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
					"ec2messages:AcknowledgeMessage", "ec2messages:DeleteMessage", "ec2messages:FailMessage",
					"ec2messages:GetEndpoint", "ec2messages:GetMessages", "ec2messages:SendReply",
				},
				Resources:   []string{"*"},
				WhyWildcard: noResourceLevel,
			},
			{
				Sid:       "SnapshotVolumes",
				Why:       "take application-consistent snapshots from inside the instance",
				Actions:   []string{"ec2:CreateSnapshot"},
				Resources: []string{anyVolume, anySnapshot},
				Note:      "the page wants a wildcard; CreateSnapshot takes the ARNs of the volume and the snapshot",
			},
			{
				Sid:       "TagSnapshotsWhileCreating",
				Why:       "tag those snapshots as part of creating them, never on its own",
				Actions:   []string{"ec2:CreateTags"},
				Resources: []string{anySnapshot},
				When:      whileCreating("CreateSnapshot"),
				Note:      "the page wants a wildcard; CreateTags takes the snapshot's ARN",
			},
			{
				Sid:       "ReadDocumentParameters",
				Why:       "read the parameters of Clumio's documents while running them",
				Actions:   []string{"ssm:DescribeDocumentParameters"},
				Resources: []string{vendorDocuments},
				Note:      "the page's sm:DescribeDocumentParameters is a slip for ssm",
			},
			{
				Sid:     "ReportAssociations",
				Why:     "report the state of an association",
				Actions: []string{"ssm:UpdateInstanceAssociationStatus"},
				Resources: []string{
					"arn:${Partition}:ssm:${Region}:${Account}:association/*", anyInstance, managedInstances,
				},
			},
			{
				Sid:       "ReportInstance",
				Why:       "list the instance's associations and report its state",
				Actions:   []string{"ssm:ListInstanceAssociations", "ssm:UpdateInstanceInformation"},
				Resources: []string{anyInstance, managedInstances},
			},
		},
	}},
}

var ssmNotificationRole = schema.Role{
	Entity: "ClumioSSMNotificationRole",
	Why:    "Systems Manager tells Clumio through it how commands went",
	For:    of(ec2MSSQL),
	Trust: []schema.Trust{{
		Sid:     "OnlySystemsManager",
		Why:     "taken by Systems Manager to publish notifications about commands of this account",
		Service: "ssm.amazonaws.com",
		When:    fromAccount,
	}},
	Policies: []schema.Policy{{
		Entity: "ClumioSSMNotificationPolicy",
		Kind:   schema.Inline,
		Why:    "tell Clumio's control plane how commands went",
		Statements: []schema.Statement{{
			Sid:       "NotifyControlPlane",
			Why:       "publish to Clumio's topic in its control plane account",
			Actions:   []string{"sns:Publish"},
			Resources: []string{"arn:${Partition}:sns:${Region}:${ControlPlaneAccount}:Clumio*"},
		}},
	}},
}
