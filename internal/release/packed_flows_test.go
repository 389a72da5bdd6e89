package release_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/fakeaws/fakeawstest"
)

// copiesAbroad is a profile whose backups are copied to us-west-2, whatever the Region of the stack.
const copiesAbroad = `
profile: acme
vendor: Acme
assets: [{asset: volumes, title: EBS volumes}]
operations: [backup, copy]
inputs:
  - {input: ControlPlaneRole, missing: Acme's console shows it under Accounts}
roles:
  - role: AcmeRole
    why: Acme assumes this role to back up volumes
    trust:
      - {sid: OnlyAcme, why: only Acme's one role may assume it, principal: {aws: '${ControlPlaneRole}'}}
    policies:
      - policy: AcmeBackupPolicy
        kind: managed
        why: backups of volumes
        statements:
          - sid: TakeSnapshots
            why: take snapshots of volumes
            for: {operations: backup}
            actions: ec2:CreateSnapshot
            resources: ['arn:${Partition}:ec2:${Region}::snapshot/*', 'arn:${Partition}:ec2:${Region}:${Account}:volume/*']
          - sid: CopySnapshots
            why: copy them across Regions to us-west-2
            for: {operations: copy}
            actions: ec2:CopySnapshot
            resources: 'arn:${Partition}:ec2:*::snapshot/*'
flows:
  - flow: copy a snapshot to Oregon
    for: {operations: copy}
    calls:
      - actions: ec2:CopySnapshot
        resources: 'arn:${Partition}:ec2:us-west-2::snapshot/*'
        source: Service Authorization Reference, Amazon EC2, CopySnapshot
`

// TestPackedFlows launches a packaged profile on the embedded AWS with scopes that break a flow of it, and that do not.
func TestPackedFlows(t *testing.T) {
	d := document{t: t, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(d.dir, "acme.yaml"), []byte(copiesAbroad), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run("./build.sh package --version v1 --bucket-prefix acme-releases --profile-file acme.yaml")
	aws := fakeawstest.Start(t, fakeawstest.Options{})
	account := aws.In("123456789012", "us-east-1")
	publish(t, aws, account.ID, account.Region, d.options.BucketPrefix, d.objects)
	var template []byte
	for _, o := range d.objects {
		if o.File == "acme.yaml" {
			template = o.Body
		}
	}
	for _, tc := range []struct{ name, regions, copies, refused string }{
		{"leaves the Regions", "us-east-1", "yes", "breaks what the choice promises: copy a snapshot to Oregon"},
		{"stays in the Regions", "us-east-1,us-west-2", "yes", ""},
		{"is not promised", "us-east-1", "no", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			account := account.For(t)
			stack, err := account.Create(fakeawstest.Launch{Template: template, Parameters: map[string]string{
				"ControlPlaneRoleArn": fakeawstest.ControlPlaneARN, "AllowCopy": tc.copies, "OnlyRegions": tc.regions,
			}})
			if err != nil {
				t.Fatal(err)
			}
			status := "CREATE_COMPLETE"
			if tc.refused != "" {
				status = "ROLLBACK_COMPLETE"
			}
			stack.Wait(status)
			if reason := stack.FailureReasons(); !strings.Contains(reason, tc.refused) || reason != "" && tc.refused == "" {
				t.Errorf("got reason %q, want %q", reason, tc.refused)
			}
			stack.Delete()
		})
	}
}
