package demo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"permstack/internal/policies"
)

// Site is the account and Region in which the demo runs, and the names that it uses
// there.
type Site struct {
	Title  string     // what the demo prints first
	Config aws.Config // of an administrator of the account
	Vendor aws.Config // of the owner of the backup service's queue

	Partition, Account, Region string
	VendorAccount              string
	ControlPlane               string // ARN of the role that is to be trusted
	DataPlane                  string // account
	ExternalID                 string

	Stack, Connection           string
	OtherStack, OtherConnection string // of the launch that fails
	VendorQueue, AlertQueue     string // names of the queues that receive what is published
	Path                        string // IAM path of everything that the stacks create
	ThirdPartyPath              string // IAM path of the role that a third party creates
	// TamperPolicy is the name of the AWS managed policy that is attached to a role by
	// hand.
	TamperPolicy string
	Tags         map[string]string // of everything that is created

	// Shared means that other resources than those of the demo may exist in the account.
	Shared bool
	// Attempts is how often a check is made that depends on a change which AWS may
	// apply late.
	Attempts int
	// OwnEventsOnly means that events of AWS services cannot be put on the bus. A rule
	// of the demo then sends an event of its own to the topic.
	OwnEventsOnly bool
	// Remaining returns what still exists after the deletion, if Shared.
	Remaining func(context.Context) ([]string, error)
}

// EmbeddedSite returns an account of an embedded AWS. The account ids are those of
// AWS's documentation.
func EmbeddedSite(endpoint string) Site {
	const account, vendor, region = "123456789012", "111122223333", "us-east-1"
	config := func(account string) aws.Config {
		return aws.Config{
			Region: region, BaseEndpoint: &endpoint,
			Credentials: credentials.NewStaticCredentialsProvider(account, "local", ""),
		}
	}
	return Site{
		Title:  "permstack on an embedded AWS at " + endpoint + ": account " + account + ", " + region,
		Config: config(account), Vendor: config(vendor),
		Partition: "aws", Account: account, Region: region, VendorAccount: vendor,
		ControlPlane: "arn:aws:iam::" + vendor + ":role/BackupControlPlane", DataPlane: "444455556666",
		ExternalID: "example-external-id",
		Stack:      "backup-access", Connection: "try", OtherStack: "second-access", OtherConnection: "taken",
		VendorQueue: "inventory", AlertQueue: "alerts", Path: policies.DefaultPath, ThirdPartyPath: "/",
		TamperPolicy: "AdministratorAccess", Attempts: 1,
	}
}

// environment returns what the policies of a connection depend on: the parameters that the profile's template has.
func (s Site) environment(connection string, c choice) (policies.Environment, error) {
	values, err := s.parameters(connection, c)
	return policies.Environment{
		Partition: s.Partition, Account: s.Account, Region: s.Region,
		ControlPlaneRoleARN: values["ControlPlaneRoleArn"], DataPlaneAccountID: values["DataPlaneAccountId"],
		ExternalID: values["ExternalId"], ConnectionID: connection, Path: s.Path,
	}, err
}

// synthesize returns what the catalogue grants a connection for a choice.
func (s Site) synthesize(connection string, c choice) (policies.Set, error) {
	environment, err := s.environment(connection, c)
	if err != nil {
		return policies.Set{}, err
	}
	return policies.Synthesize(c.selection(), environment)
}

// arn returns an ARN in the account and Region.
func (s Site) arn(service, resource string) string {
	return strings.Join([]string{"arn", s.Partition, service, s.Region, s.Account, resource}, ":")
}

// tamperPolicyARN is the policy that is attached to a role by hand.
func (s Site) tamperPolicyARN() string {
	return "arn:" + s.Partition + ":iam::aws:policy/" + s.TamperPolicy
}

// isOwn reports whether a topic or rule belongs to a launched stack itself: these
// notify the customer, not the vendor.
func (s Site) isOwn(name string) bool {
	for _, prefix := range []string{s.Stack + "-", s.OtherStack + "-", "permstack-"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
