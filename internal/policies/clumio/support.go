package clumio

import "permstack/internal/policies/schema"

var clumioSupportRole = schema.Role{
	Entity: "ClumioSupportRole",
	Why:    "optional: Clumio's support opens AWS support cases through it",
	For:    with(supportRole),
	Trust: []schema.Trust{{
		Sid:  "OnlyTheSupportRole",
		Why:  "only one role in Clumio's control plane may take it",
		AWS:  "${SupportControlPlaneRole}",
		When: withExternalID,
	}},
	Policies: []schema.Policy{{
		Entity: "ClumioSupportPolicy",
		Kind:   schema.Inline,
		Why:    "AWS support cases about backups and restores",
		Statements: []schema.Statement{{
			Sid: "FollowSupportCases",
			Why: "open and follow AWS support cases, to fix problems with backups and restores before they grow",
			Actions: []string{
				"support:AddAttachmentsToSet", "support:AddCommunicationToCase", "support:CreateCase",
				"support:DescribeAttachment", "support:DescribeCases", "support:DescribeCommunications",
				"support:DescribeCreateCaseOptions", "support:DescribeServices", "support:DescribeSeverityLevels",
				"support:DescribeSupportedLanguages", "support:DescribeTrustedAdvisorCheckRefreshStatuses",
				"support:DescribeTrustedAdvisorCheckResult", "support:DescribeTrustedAdvisorChecks",
				"support:DescribeTrustedAdvisorCheckSummaries",
			},
			Resources:   []string{"*"},
			WhyWildcard: noResourceLevel,
		}},
	}},
}
