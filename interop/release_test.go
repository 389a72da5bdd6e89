package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"permstack/internal/iampolicy/policytest"
)

// TestBuildTwice checks that two checkouts of one commit in two folders produce the same zips, templates and checksums,
// and in a full run the same zips for the other processor, command line and provenance.
func TestBuildTwice(t *testing.T) {
	t.Parallel()
	requirePrograms(t, "git", "bash")
	policytest.RequireSlow(t, "it builds a release twice")
	env := goEnvironment(environment("http://127.0.0.1:1", "111111111111", "us-east-1"))
	platforms := "" // packs no command line
	if policytest.Full() {
		platforms = "linux/amd64"
	}
	var first map[string][]byte
	for i := range 2 {
		dir := checkout(t)
		var program []string
		if i == 0 || policytest.Full() {
			program = releaseProgram(t, dir, env) // with the zips of another checkout
		} else {
			program = packWith(t, dir, buildZips(t, dir, env))
		}
		runRelease(t, dir, env, program, "package", "--version", "v0", "--bucket-prefix", "interop",
			"--platforms", platforms)
		files := map[string][]byte{}
		for _, pattern := range []string{"dist/*.zip", "dist/SHA256SUMS", "dist/release/*"} {
			names, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(names) == 0 {
				t.Fatalf("%s: %v, %v", pattern, names, err)
			}
			for _, name := range names {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				files[strings.TrimPrefix(name, dir)] = data
			}
		}
		if first == nil {
			first = files
			continue
		}
		if len(files) != len(first) {
			t.Errorf("the builds have %d and %d files", len(first), len(files))
		}
		for name, data := range files {
			if !bytes.Equal(data, first[name]) {
				t.Errorf("%s differs between the builds", name)
			}
		}
	}
}

// TestRelease publishes a release to three Regions and launches it from there in two accounts with the AWS CLI, all at
// the same time.
func TestRelease(t *testing.T) {
	t.Parallel()
	tool(t, "PERMSTACK_AWS_CLI")
	policytest.RequireSlow(t, "it publishes a release and launches stacks")
	requirePrograms(t, "git", "bash")
	endpoint := startLocal(t, buildCommand(t), "--foreign-code")
	aws := startAWSCLI(t, endpoint)
	dir := checkout(t)
	regions := []string{"us-east-1", "eu-central-1", "us-gov-west-1"}
	const owner, other, prefix = "111111111111", "222222222222", "interop"
	for _, region := range regions {
		create := []string{"s3api", "create-bucket", "--bucket", prefix + "-" + region}
		if region != "us-east-1" {
			create = append(create, "--create-bucket-configuration", "LocationConstraint="+region)
		}
		aws.at(owner, region).run(nil, create...)
		policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": other}, "Action": "s3:GetObject",
			"Resource": "arn:aws:s3:::" + prefix + "-" + region + "/*",
		}}})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(policy), "arn:aws:s3", "arn:"+partition(region)+":s3", 1)
		aws.at(owner, region).run(nil, "s3api", "put-bucket-policy", "--bucket", prefix+"-"+region, "--policy", text)
	}
	publish := []string{"publish", "--version", "v0", "--bucket-prefix", prefix, "--regions", strings.Join(regions, ",")}
	env := goEnvironment(environment(endpoint, owner, "us-east-1"))
	runRelease(t, dir, env, releaseProgram(t, dir, env), publish...)
	again := append([]string{"run", "./tools/release"}, publish...) // the last step of build.sh publish
	if out := runIn(t, dir, env, "go", append(again, "--dry-run")...); !strings.Contains(out, "nothing was uploaded") {
		t.Errorf("--dry-run: %s", tail(out))
	}
	if out := runIn(t, dir, env, "go", again...); strings.Contains(out, ": uploaded") ||
		!strings.Contains(out, ": exists") {
		t.Errorf("published twice: %s", tail(out))
	}

	key := "permstack/v0/launch-stack.yaml"
	var places []cli
	for _, account := range []string{owner, other} {
		if account == other && !policytest.Full() {
			regions = regions[:1]
		}
		for _, region := range regions {
			c := aws.at(account, region)
			places = append(places, c)
			url := endpoint + "/" + prefix + "-" + region + "/" + key
			args := []string{
				"cloudformation",
				"create-stack",
				"--stack-name",
				"backup",
				"--template-url",
				url,
				"--capabilities",
				"CAPABILITY_IAM",
			}
			values := parameters("main", "EC2", "S3")
			for i, v := range values {
				values[i] = strings.Replace(v, "arn:aws:", "arn:"+partition(region)+":", 1)
			}
			c.run(nil, append(args, values...)...)
		}
	}
	for _, c := range places {
		role := c.waitForStatus("backup", "CREATE_COMPLETE").output("RoleArn")
		region := strings.Fields(c.location)[1]
		if !strings.HasPrefix(role, "arn:"+partition(region)+":iam::"+strings.Fields(c.location)[0]) ||
			!strings.HasSuffix(role, "-"+region+"-main") {
			t.Errorf("%s: the role is %s", c.location, role)
		}
		if names := c.attached(role); !strings.Contains(names, "ClumioS3BackupPolicy") {
			t.Errorf("%s: attached are %s", c.location, names)
		}
	}
	for _, c := range places {
		c.run(nil, "cloudformation", "delete-stack", "--stack-name", "backup")
	}
	waitForDeletions(places...)
}

func partition(region string) string {
	if strings.HasPrefix(region, "us-gov-") {
		return "aws-us-gov"
	}
	return "aws"
}
