package main

import (
	"strings"

	"permstack/internal/policies"
)

// Help texts of flags that several commands have. A flag has the same meaning in
// every command.
const (
	usageAssets     = "assets to protect: ec2, rds, s3 and others"
	usageOperations = "operations: backup, restore and others (default: all)"
	usageOptions    = "options and settings of the profile"
	usagePreset     = "named choice of the profile, instead of --assets and --operations"

	usageAccount                 = "ID of the AWS account that grants the access (default: any)"
	usageRegion                  = "AWS Region of the access (default: any)"
	usagePath                    = "IAM path of every role and policy"
	usageStackNames              = "names of the stacks that hold the access (default: the stack of the template)"
	usageControlPlaneRole        = "`ARN` of the vendor's role that may assume the role"
	usageSupportControlPlaneRole = "`ARN` of the vendor's role that may assume the support role"
	usageDataPlaneAccount        = "ID of the vendor's account that stores the backups"
)

func usageProfile() string {
	return "vendor profile, the backup service: " + strings.Join(policies.ProfileNames(), ", ")
}
