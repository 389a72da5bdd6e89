package permstack_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"permstack/internal/cfn/cfntemplate"
	"permstack/internal/iampolicy"
)

func toJSON(v any) ([]byte, error) { return json.Marshal(v) }

// permission is an AWS::Lambda::Permission as the statement that Lambda makes of it.
func (s *infraDeployment) permission(p map[string]any) iampolicy.Statement {
	text := func(name string) string { v, _ := p[name].(string); return v }
	st := iampolicy.Statement{
		Sid: "Permission", Effect: "Allow", Action: iampolicy.Values{text("Action")},
		Resource: iampolicy.Values{"arn:" + s.partition() + ":lambda:" + s.region + ":" + account + ":function:" +
			text("FunctionName")},
	}
	switch who := text("Principal"); {
	case who == "*":
		st.Principal = &iampolicy.Principal{Everyone: true}
	case strings.HasSuffix(who, ".amazonaws.com"):
		st.Principal = &iampolicy.Principal{ByType: map[string]iampolicy.Values{"Service": {who}}}
	default:
		st.Principal = &iampolicy.Principal{ByType: map[string]iampolicy.Values{"AWS": {who}}}
	}
	for property, where := range map[string][2]string{
		"SourceArn": {"ArnLike", "aws:SourceArn"}, "SourceAccount": {"StringEquals", "aws:SourceAccount"},
		"PrincipalOrgID": {"StringEquals", "aws:PrincipalOrgID"},
	} {
		if v := text(property); v != "" {
			if st.Condition == nil {
				st.Condition = iampolicy.Conditions{}
			}
			st.Condition[where[0]] = map[string]iampolicy.Values{where[1]: {v}}
		}
	}
	return st
}

// infraNames resolves Ref and Fn::GetAtt for a template's own resources.
type infraNames struct {
	s *infraDeployment
	b *cfntemplate.Resolved
}

func (n infraNames) kind(id string) string {
	i := slices.IndexFunc(n.b.Active(), func(r *cfntemplate.Resource) bool { return r.LogicalID == id })
	if i < 0 {
		return ""
	}
	return n.b.Active()[i].Type
}

func (n infraNames) name(id string) string {
	stack := "parent"
	if n.s.template == "templates/org-hub.yaml" {
		stack = "org"
	}
	switch id {
	case "ProvisionerLogGroup":
		return stack + "-log"
	case "AlertTopic":
		return "permstack-alerts-" + cmp.Or(n.s.uuid, uuid)
	}
	return stack + "-" + id + "-1A2B"
}

func (n infraNames) arn(service, rest string) string {
	return "arn:" + n.s.partition() + ":" + service + ":" + n.s.region + ":" + account + ":" + rest
}

func (n infraNames) Ref(id string) (any, error) {
	switch n.kind(id) {
	case "AWS::SNS::Topic":
		return n.arn("sns", n.name(id)), nil
	case "AWS::SSM::Parameter":
		return id, nil
	case "AWS::IAM::ManagedPolicy":
		return "arn:" + n.s.partition() + ":iam::" + account + ":policy" + n.installerPath() + n.name(id), nil
	}
	return n.name(id), nil
}

// installerPath returns the IAM path of the roles and the policy of the parent stack.
func (n infraNames) installerPath() string {
	return cmp.Or(n.s.values["RolePath"], "/permstack/") + n.s.region + "/main/installer/"
}

func (n infraNames) GetAtt(id, attribute string) (any, error) {
	kind := n.kind(id)
	if attribute != "Arn" {
		return n.name(id) + "." + attribute, nil
	}
	switch kind {
	case "AWS::IAM::Role":
		return "arn:" + n.s.partition() + ":iam::" + account + ":role" + n.installerPath() + n.name(id), nil
	case "AWS::Logs::LogGroup":
		return n.arn("logs", "log-group:"+n.name(id)+":*"), nil
	case "AWS::SQS::Queue":
		return n.arn("sqs", n.name(id)), nil
	case "AWS::Events::Rule":
		return n.arn("events", "rule/permstack-"+uuid), nil
	case "AWS::Lambda::Function":
		return n.arn("lambda", "function:"+n.name(id)), nil
	case "AWS::CloudWatch::Alarm":
		return n.arn("cloudwatch", "alarm:"+n.name(id)), nil
	case "AWS::KMS::Key":
		return n.arn("kms", "key/"+uuid), nil
	}
	return nil, fmt.Errorf("resource %s: no ARN is defined for type %s", id, kind)
}
