package stacksets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"permstack/internal/fakeaws/protocol"
	"permstack/internal/iampolicy"
)

// The roles of service-managed permissions in each account: the service-linked
// role creates the execution role, which has AdministratorAccess (CloudFormation
// User Guide, "Activate trusted access for StackSets with AWS Organizations", and
// the policy CloudFormationStackSetsOrgMemberServiceRolePolicy).
const (
	linkedRole = "AWSServiceRoleForCloudFormationStackSetsOrgMember"
	linkedPath = "/aws-service-role/" + Principal + "/"
	execPrefix = "stacksets-exec-"
)

func (set *stackSet) adminRoleARN() string {
	if set.adminRole != "" {
		return set.adminRole
	}
	return roleARN(set.region, set.account, "/", adminRole)
}

func (set *stackSet) executionRoleName() string {
	if set.executionRole != "" {
		return set.executionRole
	}
	return executionRole
}

func roleARN(region, account, path, name string) string {
	return "arn:" + protocol.Partition(region) + ":iam::" + account + ":role" + path + name
}

// client returns a CloudFormation client of a result's account and Region, as its
// execution role.
func (s *Service) client(w *work, r *result) (*cfn.Client, error) {
	admin, execution := "", ""
	if w.definition.serviceManaged {
		var err error
		if execution, err = s.memberRoles(r.account, r.region); err != nil {
			return nil, err
		}
		admin = roleARN(r.region, r.account, linkedPath, linkedRole)
	} else {
		admin = w.set.adminRoleARN()
		keys := map[string][]string{"aws:SourceAccount": {w.set.account}, "aws:SourceArn": {w.set.arn()}}
		if err := s.d.Assumable(w.set.account, admin, "cloudformation.amazonaws.com", keys); err != nil {
			return nil, fmt.Errorf("Account %s should have '%s' role with trust relationship to CloudFormation service.",
				w.set.account, lastPart(admin))
		}
		execution = roleARN(r.region, r.account, "/", w.set.executionRoleName())
	}
	out, err := sts.NewFromConfig(s.d.ConfigFor(iampolicy.AccountInARN(admin), r.region, admin)).AssumeRole(s.ctx,
		&sts.AssumeRoleInput{RoleArn: &execution, RoleSessionName: aws.String("cloudformation-stackset")})
	if err != nil {
		s.d.Logger.Info("execution role refused", "role", execution, "error", err)
		reason := fmt.Sprintf("Account %s should have '%s' role with trust relationship to Role '%s'.",
			r.account, lastPart(execution), lastPart(admin))
		s.skipGate(r, reason)
		return nil, errors.New(reason)
	}
	s.skipGate(r, fmt.Sprintf("Function not found: arn:%s:lambda:%s:%s:function:AWSCloudFormationStackSetAccountGate",
		protocol.Partition(r.region), r.region, r.account))
	c := out.Credentials
	return cfn.NewFromConfig(s.d.ConfigWith(r.region, aws.Credentials{
		AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken,
	})), nil
}

// skipGate records that the account has no gate ("Prevent failed StackSets
// deployments using target account gates", CloudFormation User Guide).
func (s *Service) skipGate(r *result, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.gate, r.gateReason = "SKIPPED", reason
}

// memberRoles creates the roles of service-managed permissions in an account, if
// they do not exist, and returns the ARN of the execution role.
func (s *Service) memberRoles(account, region string) (string, error) {
	s.rolesMu.Lock()
	defer s.rolesMu.Unlock()
	client := iam.NewFromConfig(s.d.ConfigFor(account, region, ""))
	partition := protocol.Partition(region)
	linked := roleARN(region, account, linkedPath, linkedRole)
	sum := sha256.Sum256([]byte(account)) // at AWS, 32 random hexadecimal digits
	name := execPrefix + hex.EncodeToString(sum[:16])
	execution := roleARN(region, account, "/", name)
	_, err := client.GetRole(s.ctx, &iam.GetRoleInput{RoleName: &name})
	if err == nil {
		return execution, nil
	}
	for _, role := range []struct{ path, name, principal string }{
		{linkedPath, linkedRole, `{"Service":"` + Principal + `"}`}, {"/", name, `{"AWS":"` + linked + `"}`},
	} {
		trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + role.principal +
			`,"Action":"sts:AssumeRole"}]}`
		_, err := client.CreateRole(s.ctx, &iam.CreateRoleInput{
			RoleName: &role.name, Path: &role.path, AssumeRolePolicyDocument: &trust,
		})
		var exists *types.EntityAlreadyExistsException
		if err != nil && !errors.As(err, &exists) {
			return "", fmt.Errorf("create role %s in account %s: %w", role.name, account, err)
		}
	}
	_, err = client.AttachRolePolicy(s.ctx, &iam.AttachRolePolicyInput{
		RoleName: &name, PolicyArn: aws.String("arn:" + partition + ":iam::aws:policy/AdministratorAccess"),
	})
	if err != nil {
		return "", fmt.Errorf("attach policy to role %s in account %s: %w", name, account, err)
	}
	return execution, nil
}

func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }
