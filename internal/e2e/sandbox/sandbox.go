// Package sandbox runs the demo on an account of AWS that may have other resources:
// everything that it creates has a name, an IAM path and a tag of its own, and Clean
// finds and deletes it, also after a run that was interrupted.
package sandbox

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/awsapi/region"
	"permstack/internal/e2e/demo"
)

const (
	// Tag is the key of the tag of everything that is created; its value is the run's id.
	Tag = "permstack-try"
	// namePrefix precedes the run's id in the names of stacks, queues and buckets.
	namePrefix = "permstack-try-"
	// rootPath is the IAM path below which every run has its paths.
	rootPath = "/permstack-try/"
	// bucketPrefix precedes the account in the prefix of the bucket's name.
	bucketPrefix = "permstack-try-"
)

// Account is the account and Region that credentials select.
type Account struct {
	ID, Partition, Region string
	Caller                string // ARN
}

// Identify returns the account of a configuration. It fails for a Region that is not
// known.
func Identify(ctx context.Context, cfg aws.Config) (Account, error) {
	known, ok := region.Lookup(cfg.Region)
	if !ok {
		return Account{}, fmt.Errorf("unknown Region %q", cfg.Region)
	}
	out, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return Account{}, fmt.Errorf("identify the account: %w", err)
	}
	return Account{
		ID: aws.ToString(out.Account), Partition: known.ID, Region: cfg.Region, Caller: aws.ToString(out.Arn),
	}, nil
}

// Run is one run in an account.
type Run struct {
	Account Account
	ID      string // six hexadecimal digits

	cfg        aws.Config
	externalID string
}

// New returns a run with a new id and external id. Nothing is created.
func New(cfg aws.Config, account Account) (*Run, error) {
	random := make([]byte, 3+16)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("choose an id: %w", err)
	}
	return &Run{
		Account: account, ID: hex.EncodeToString(random[:3]), cfg: cfg, externalID: hex.EncodeToString(random[3:]),
	}, nil
}

func (r *Run) tags() map[string]string { return map[string]string{Tag: r.ID} }
func (r *Run) stack() string           { return namePrefix + r.ID }
func (r *Run) path() string            { return rootPath + r.ID + "/" }
func (r *Run) vendorPath() string      { return rootPath + r.ID + "-vendor/" }
func (r *Run) vendorRole() string      { return namePrefix + r.ID + "-vendor" }
func (r *Run) bucketPrefix() string    { return bucketPrefix + r.Account.ID + "-" + r.ID }
func (r *Run) bucket() string          { return r.bucketPrefix() + "-" + r.Account.Region }

// Describe writes what the run creates and what that costs.
func (r *Run) Describe(out io.Writer) {
	fmt.Fprintf(out, `This runs on a real AWS account and creates resources there.

  Account   %[1]s, %[2]s
  Caller    %[3]s
  Tag       %[4]s=%[5]s on everything that can have tags
  IAM path  %[6]s

It creates, checks and deletes again:
  - stack %[7]s, its two permission stacks, and stack %[7]s-second, which fails on purpose:
    3 IAM roles of permstack and those of the backup service with their policies, 2 Lambda functions, 1 log group,
    2 topics, up to 11 event rules, 1 queue, 3 alarms, 1 SSM parameter
  - bucket %[8]s with the functions' code and the template
  - role %[9]s in the place of the backup service, which nobody can assume, and a role
    with a name that the second stack needs
  - queues %[7]s-vendor and %[7]s-alerts, and event rule %[7]s-probe

The roles trust %[9]s only. For some seconds the backup service's role has
the AWS managed policy %[10]s in addition.

A run takes 15 to 30 minutes. Cost: below 0.05 USD (three alarms for less than an hour, S3 requests, Lambda seconds;
stacks, custom resources, IAM, and events of this number are free).
`, r.Account.ID, r.Account.Region, r.Account.Caller, Tag, r.ID, r.path(), r.stack(), r.bucket(), r.vendorRole(),
		tamperPolicy)
}

// tamperPolicy grants more than the backup service may do, and changes nothing.
const tamperPolicy = "ReadOnlyAccess"

// attempts is how often a check that depends on a late change is made: IAM and
// EventBridge apply changes within seconds, without a bound (IAM user guide, "Changes
// that I make are not always immediately visible").
const attempts = 9

// Site returns the account for the demo.
func (r *Run) Site() demo.Site {
	stack, connection := r.stack(), "try-"+r.ID
	return demo.Site{
		Title:  "permstack on AWS: account " + r.Account.ID + ", " + r.Account.Region + ", run " + r.ID,
		Config: r.cfg, Vendor: r.cfg,
		Partition: r.Account.Partition, Account: r.Account.ID, Region: r.Account.Region, VendorAccount: r.Account.ID,
		ControlPlane: strings.Join([]string{"arn", r.Account.Partition, "iam", "", r.Account.ID,
			"role" + r.vendorPath() + r.vendorRole()}, ":"),
		DataPlane: r.Account.ID, ExternalID: r.externalID,
		Stack: stack, Connection: connection, OtherStack: stack + "-second", OtherConnection: connection + "-second",
		VendorQueue: stack + "-vendor", AlertQueue: stack + "-alerts",
		Path: r.path(), ThirdPartyPath: rootPath + r.ID + "-third-party/",
		TamperPolicy: tamperPolicy, Tags: r.tags(),
		Shared: true, Attempts: attempts, OwnEventsOnly: true, Remaining: r.remaining,
	}
}

// remaining returns what exists of the stacks after their deletion, without what
// Prepare created. Lists of IAM and SQS may be late.
func (r *Run) remaining(ctx context.Context) ([]string, error) {
	var names []string
	err := repeat(ctx, func() (bool, error) {
		left, err := find(ctx, r.cfg, r.Account)
		names = nil
		for _, l := range left {
			if l.run == r.ID && !r.prepared(l) {
				names = append(names, l.String())
			}
		}
		return len(names) == 0, err
	})
	return names, err
}

// prepared reports whether a resource is one that Prepare created, or a queue, which
// SQS lists for a minute after its deletion.
func (r *Run) prepared(l Leftover) bool {
	return l.kind == kindBucket || l.kind == kindQueue || l.kind == kindRole && l.name == r.vendorRole()
}
