package livecheck

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/iampolicy"
	"permstack/internal/iampolicy/eval"
	"permstack/internal/policies/flows"
	"permstack/internal/terminal"
)

// KMS is the part of the SDK's client that reads key policies.
type KMS interface {
	kms.ListAliasesAPIClient
	kms.ListKeysAPIClient
	GetKeyPolicy(context.Context, *kms.GetKeyPolicyInput, ...func(*kms.Options)) (*kms.GetKeyPolicyOutput, error)
}

// KeyReport is which keys of the account the promised flows cannot use.
type KeyReport struct {
	Read     int          `json:"read"` // customer managed keys whose policy was read
	Refusing []KeyRefusal `json:"refusing"`
	Errors   []string     `json:"errors,omitempty"`
	// Unread is true if the policy of a key that the caller named could not be read.
	Unread bool `json:"unread,omitempty"`
}

// KeyRefusal is a key whose policy refuses calls of promised flows.
type KeyRefusal struct {
	Key     string   `json:"key"` // ARN
	Alias   string   `json:"alias,omitempty"`
	Actions []string `json:"actions"`
	Roles   []string `json:"roles"`
	Flows   []string `json:"flows"`
	Named   bool     `json:"named"` // the caller requires that it can be used
}

// Keys evaluates the policies of the account's customer managed keys in the Region, or of the named keys, for the calls
// of promised flows. A key policy that leaves the decision to the account's IAM policies allows what these allow. What
// cannot be read is in Errors. IAM's simulator does not evaluate resource-based policies for roles
// ("SimulatePrincipalPolicy", IAM API Reference).
func Keys(
	ctx context.Context, client KMS, requests []flows.Request, arns map[string]string, named []string,
) KeyReport {
	r := KeyReport{Refusing: []KeyRefusal{}}
	calls := keyRequests(requests, arns)
	if len(calls) == 0 {
		return r
	}
	keys, aliases := named, map[string]string{}
	if len(named) == 0 {
		var err error
		if keys, aliases, err = customerKeys(ctx, client); err != nil {
			r.Errors = append(r.Errors, "list keys: "+awserr.Concise(err).Error())
		}
	}
	for _, key := range keys {
		out, err := client.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: &key, PolicyName: aws.String("default")})
		var doc iampolicy.Document
		if err == nil {
			doc, err = iampolicy.Parse([]byte(aws.ToString(out.Policy)))
		}
		if err != nil {
			r.Errors = append(r.Errors, fmt.Sprintf("read the policy of key %s: %v", key, awserr.Concise(err)))
			r.Unread = r.Unread || len(named) > 0
			continue
		}
		r.Read++
		if refused := refusal(doc, key, calls, arns); len(refused.Actions) > 0 {
			refused.Alias, refused.Named = aliases[key[strings.LastIndex(key, "/")+1:]], len(named) > 0
			r.Refusing = append(r.Refusing, refused)
		}
	}
	return r
}

// keyRequests returns the calls of flows on keys of the role's own account.
func keyRequests(requests []flows.Request, arns map[string]string) []flows.Request {
	var out []flows.Request
	for _, r := range requests {
		if !r.Denied && strings.HasPrefix(r.Action, "kms:") && strings.Contains(r.Resource, ":key/") &&
			arns[r.Role] != "" && iampolicy.AccountInARN(r.Resource) == iampolicy.AccountInARN(arns[r.Role]) {
			out = append(out, r)
		}
	}
	return out
}

// customerKeys returns the ARNs of the keys that have no alias of an AWS service, and aliases by key ID. AWS managed
// keys have one, "alias/aws/ebs", and their policies cannot be changed.
func customerKeys(ctx context.Context, client KMS) ([]string, map[string]string, error) {
	aliases, awsManaged := map[string]string{}, map[string]bool{}
	pages := kms.NewListAliasesPaginator(client, &kms.ListAliasesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, aliases, err
		}
		for _, a := range page.Aliases {
			id := aws.ToString(a.TargetKeyId)
			aliases[id] = aws.ToString(a.AliasName)
			awsManaged[id] = awsManaged[id] || strings.HasPrefix(aliases[id], "alias/aws/")
		}
	}
	var keys []string
	list := kms.NewListKeysPaginator(client, &kms.ListKeysInput{})
	for list.HasMorePages() {
		page, err := list.NextPage(ctx)
		if err != nil {
			return keys, aliases, err
		}
		for _, k := range page.Keys {
			if !awsManaged[aws.ToString(k.KeyId)] {
				keys = append(keys, aws.ToString(k.KeyArn))
			}
		}
	}
	return keys, aliases, nil
}

// refusal returns the calls that a key policy refuses.
func refusal(doc iampolicy.Document, key string, calls []flows.Request, arns map[string]string) KeyRefusal {
	out := KeyRefusal{Key: key}
	for _, c := range calls {
		arn := arns[c.Role]
		keys := maps.Clone(c.Context)
		if keys == nil {
			keys = map[string][]string{}
		}
		account := iampolicy.AccountInARN(arn)
		keys["aws:PrincipalArn"], keys["aws:PrincipalAccount"] = []string{arn}, []string{account}
		keys["kms:CallerAccount"] = []string{account}
		decision, match := eval.Trust(doc, eval.Request{
			Principal: eval.Principal{Account: account, ARN: arn, RoleARN: arn},
			Action:    c.Action, Resource: key, Context: keys,
		})
		if decision == eval.Allow && match != eval.NoMatch {
			continue
		}
		add := func(list *[]string, v string) {
			if !slices.Contains(*list, v) {
				*list = append(*list, v)
			}
		}
		add(&out.Actions, c.Action)
		add(&out.Roles, c.Role)
		add(&out.Flows, c.Flow)
	}
	return out
}

func (r KeyReport) write(s terminal.Screen) {
	if r.Read > 0 {
		s.Text(terminal.Plain, fmt.Sprintf("Key policies: %s read, of which %d refuse calls of these flows.",
			terminal.Count(r.Read, "customer managed key", "customer managed keys"), len(r.Refusing)))
	}
	for _, k := range r.Refusing {
		style := terminal.Yellow
		if k.Named {
			style = terminal.Red
		}
		s.Field(2, labelWidth, "key", style, strings.TrimSpace(k.Key+" "+k.Alias))
		s.Field(2, labelWidth, "refuses", terminal.Plain, strings.Join(k.Actions, ", ")+" to "+strings.Join(k.Roles, ", "))
		s.Field(2, labelWidth, "for", terminal.Dim, strings.Join(k.Flows, "; "))
	}
	if len(r.Refusing) > 0 {
		s.Text(terminal.Plain, "If such a key encrypts what is to be backed up or restored, its policy must let the role use "+
			"it, or let IAM policies decide.")
	}
	for _, e := range r.Errors {
		s.Field(2, labelWidth, "error", terminal.Yellow, e)
	}
	if len(r.Refusing)+len(r.Errors)+r.Read > 0 {
		s.Line()
	}
}
