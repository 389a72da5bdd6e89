package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"permstack/internal/permissionstack"
	"permstack/internal/policies"
	"permstack/internal/policies/schema"
)

// everything returns the largest choice of the Clumio profile.
func everything() (policies.Selection, policies.Environment) {
	return policies.Selection{
			Profile: "clumio", Assets: []schema.Asset{"ec2", "ec2-mssql", "rds", "dynamodb", "s3"},
			Options: []schema.Option{"support-role", "aws-backup-inventory"},
		}, policies.Environment{
			Account: "123456789012", Region: "us-east-1", ControlPlaneRoleARN: "arn:aws:iam::111122223333:role/Control",
			SupportControlPlaneRoleARN: "arn:aws:iam::111122223333:role/Support", DataPlaneAccountID: "444455556666",
			ExternalID: "example", StackNames: []string{"parent-permstack-access"},
		}
}

// benchSynthesis writes the same roles, policies, topic and rules, once by
// permstack and once by the AWS CDK.
func benchSynthesis(permstack, cdk, dir string, runs int) error {
	sel, env := everything()
	var set policies.Set
	var inProcess, command []time.Duration
	for range runs {
		began := time.Now()
		var err error
		if set, err = policies.Synthesize(sel, env); err != nil {
			return fmt.Errorf("synthesize: %w", err)
		}
		if _, err = permissionstack.Stacks(set); err != nil {
			return fmt.Errorf("write stacks: %w", err)
		}
		inProcess = append(inProcess, time.Since(began))
	}
	args := []string{
		"synth", "--assets", "ec2,ec2-mssql,rds,dynamodb,s3", "--options", "support-role,aws-backup-inventory",
		"--control-plane-role", env.ControlPlaneRoleARN,
		"--support-control-plane-role", env.SupportControlPlaneRoleARN, "--data-plane-account", env.DataPlaneAccountID,
		"--external-id", env.ExternalID,
	}
	app, why := cdkApp(cdk, dir, set)
	var cdkCommand, cdkInside []time.Duration
	for range max(3, runs/6) {
		began := time.Now()
		if out, err := exec.Command(permstack, args...).CombinedOutput(); err != nil { // #nosec G204 -- what was built above
			return fmt.Errorf("run permstack synth: %w\n%s", err, out)
		}
		command = append(command, time.Since(began))
		if app == "" {
			continue
		}
		began = time.Now()
		out, err := exec.Command("node", app).Output() // #nosec G204 -- what was written above
		if err != nil {
			return fmt.Errorf("run the CDK app: %w", err)
		}
		cdkCommand = append(cdkCommand, time.Since(began))
		inside, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
		if err != nil {
			return fmt.Errorf("read the CDK app's time: %w", err)
		}
		cdkInside = append(cdkInside, time.Duration(inside*1e6))
	}
	fmt.Printf("Synthesis of every asset and option of the Clumio profile: %d roles, %d rules, %d actions\n\n",
		len(set.Roles), len(set.Rules), set.Actions())
	rows := [][]string{
		{"", "as a command", "within the process"},
		{"permstack", ms(median(command)), ms(median(inProcess))},
	}
	if app == "" {
		fmt.Printf("AWS CDK: skipped: %s\n\n", why)
	} else {
		rows = append(rows, []string{"AWS CDK", ms(median(cdkCommand)), ms(median(cdkInside))},
			[]string{"CDK ÷ permstack", fmt.Sprintf("%.0f ×", float64(median(cdkCommand))/float64(median(command))),
				fmt.Sprintf("%.0f ×", float64(median(cdkInside))/float64(median(inProcess)))})
	}
	table(rows...)
	return nil
}

// cdkApp writes a CDK app that makes what the set holds, in dir, where node finds
// aws-cdk-lib. Without one it returns the reason.
func cdkApp(cdk, dir string, set policies.Set) (app, why string) {
	if _, err := exec.LookPath("node"); err != nil {
		return "", "there is no node"
	}
	modules := filepath.Join(absolutePath(cdk), "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "aws-cdk-lib")); err != nil {
		if err := os.MkdirAll(cdk, 0o750); err != nil {
			return "", err.Error()
		}
		cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--prefix", cdk, "aws-cdk-lib@"+cdkVersion,
			"constructs@"+constructsVersion,
		) // #nosec G204 -- a folder of this repository
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Sprintf("npm cannot install aws-cdk-lib: %v %s", err, out)
		}
	}
	data, err := json.Marshal(set)
	if err != nil {
		return "", err.Error()
	}
	app = filepath.Join(dir, "app.js")
	text := fmt.Sprintf("const modules = %q;\nconst set = %s;\nconst outdir = %q;\n%s",
		modules, data, filepath.Join(dir, "cdk.out"), cdkText)
	if err := os.WriteFile(app, []byte(text), 0o600); err != nil {
		return "", err.Error()
	}
	return app, ""
}

const cdkText = `
const began = process.hrtime.bigint();
const cdk = require(modules + "/aws-cdk-lib");
const iam = require(modules + "/aws-cdk-lib/aws-iam");
const sns = require(modules + "/aws-cdk-lib/aws-sns");
const events = require(modules + "/aws-cdk-lib/aws-events");
const loaded = process.hrtime.bigint();
const app = new cdk.App({ outdir, analyticsReporting: false });
const stack = new cdk.Stack(app, "Access");
for (const r of set.Roles) {
  const managed = (r.Managed ?? []).map((p) => new iam.CfnManagedPolicy(stack, p.Name, {
    managedPolicyName: p.Name, path: p.Path, policyDocument: iam.PolicyDocument.fromJson(p.Document),
  }));
  new iam.CfnRole(stack, r.Name, {
    roleName: r.Name, path: r.Path, description: r.Description,
    assumeRolePolicyDocument: iam.PolicyDocument.fromJson(r.Trust),
    managedPolicyArns: managed.map((p) => p.ref),
    policies: (r.Inline ?? []).map((p) => ({
      policyName: p.Name, policyDocument: iam.PolicyDocument.fromJson(p.Document),
    })),
  });
}
for (const t of set.Topics) {
  const topic = new sns.CfnTopic(stack, t.Name, { topicName: t.Name });
  new sns.CfnTopicInlinePolicy(stack, t.Name + "Policy", {
    topicArn: topic.ref, policyDocument: iam.PolicyDocument.fromJson(t.Policy),
  });
}
for (const r of set.Rules) {
  new events.CfnRule(stack, r.Name, { name: r.Name, eventPattern: r.Pattern, state: "ENABLED" });
}
app.synth();
console.log(Number(process.hrtime.bigint() - loaded) / 1e6);
`

// What the measurements of docs/performance.md were taken with.
const (
	cdkVersion        = "2.276.0"
	constructsVersion = "10.8.1"
)
