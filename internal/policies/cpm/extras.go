package cpm

import "permstack/internal/policies/schema"

// extras are Notification with BackupCore's mail, CostExplorer and SecretsManager.
var extras = []schema.Statement{
	{
		Sid:       "SendAlerts",
		Why:       "make a topic for alerts, subscribe people to it and publish",
		For:       doing(notification),
		Actions:   []string{"sns:CreateTopic", "sns:GetTopicAttributes", "sns:Publish", "sns:SetTopicAttributes", "sns:Subscribe"},
		Resources: []string{"arn:${Partition}:sns:${Home}:${Account}:*"},
		Note:      "the vendor documents no name that its topics begin with",
	},
	{
		Sid:     "SendMail",
		Why:     "send alerts and reports by mail, from the customer's identities",
		For:     doing(notification),
		Actions: []string{"ses:SendRawEmail"},
		Resources: []string{
			"arn:${Partition}:ses:${Home}:${Account}:identity/*",
			"arn:${Partition}:ses:${Home}:${Account}:configuration-set/*",
		},
	},
	{
		Sid:         "SetUpMail",
		Why:         "see which addresses may send, and ask for another to be verified",
		For:         doing(notification),
		Actions:     []string{"ses:GetAccount", "ses:GetIdentityVerificationAttributes", "ses:ListVerifiedEmailAddresses", "ses:VerifyEmailAddress"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevel,
	},
	{
		Sid:       "ReadCosts",
		Why:       "show what backups cost",
		For:       doing(costExplorer),
		Actions:   []string{"ce:GetCostAndUsage"},
		Resources: []string{"arn:${Partition}:billing::${Account}:billingview/*"},
	},
	{
		Sid:         "ReadPrices",
		Why:         "estimate what could be saved, from AWS's price list",
		For:         doing(costExplorer),
		Actions:     []string{"pricing:GetProducts"},
		Resources:   []string{"*"},
		WhyWildcard: noResourceLevelSingular,
	},
	{
		Sid:       "ReadConsoleOutput",
		Why:       "read what an instance writes on its console",
		For:       doing(costExplorer),
		Actions:   []string{"ec2:GetConsoleOutput"},
		Resources: []string{instances},
		Note:      "the vendor has this with its cost explorer",
	},
	{
		Sid:       "ReadSecrets",
		Why:       "read the credentials that the customer keeps in Secrets Manager for the server",
		For:       doing(secrets),
		Actions:   []string{"secretsmanager:GetSecretValue"},
		Since:     since(release42, "secretsmanager:GetSecretValue"),
		Resources: []string{"arn:${Partition}:secretsmanager:${Reach}:${Account}:secret:*"},
		Note:      "the vendor documents no name that its secrets begin with; leave the operation secrets out where the server needs none",
	},
}
