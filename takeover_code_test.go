package permstack_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"permstack/internal/fakeaws/fakeawstest"
	"permstack/internal/iampolicy/policytest"
	"permstack/internal/installation"
)

// outsider is an account that has nothing to do with the installation.
const outsider = "999988887777"

// takeover is an installation whose functions run hostile code, and another installation of the account.
type takeover struct {
	t          *testing.T
	own, other *fakeawstest.Stack
	names      *strings.Replacer // replaces $name by what the resource is called
}

func newTakeover(t *testing.T) *takeover {
	t.Helper()
	account := fakeawstest.Start(t, fakeawstest.Options{}).In(account, region)
	launch := func(name, connection string) *fakeawstest.Stack {
		return account.Launch(fakeawstest.Launch{Name: name, Parameters: withDefaults(map[string]string{
			"ConnectionId": connection, "OnDrift": "revert",
		})})
	}
	k := &takeover{t: t, own: launch("backup", "main"), other: launch("backup-2", "main-2")}
	topic := k.own.Outputs["EventTopicArn"]
	var names []string
	for prefix, s := range map[string]*fakeawstest.Stack{"$": k.own, "$their-": k.other} {
		installer := "arn:aws:iam::" + account.ID + ":role/permstack/" + region + "/" +
			map[string]string{"$": "main", "$their-": "main-2"}[prefix] + "/installer/"
		for name, value := range map[string]string{
			"parent": s.Name, "access": s.PermissionStack(installation.Access),
			"inventory": s.PermissionStack(installation.Inventory), "policy": k.own.AttachedPolicies(s.RoleName())[0],
			"vendor-role":      s.RoleName(),
			"vendor-arn":       s.Outputs["RoleArn"],
			"provisioner-role": s.PhysicalID("ProvisionerRole"), "drift-role": s.PhysicalID("DriftRole"),
			"stack-role": s.PhysicalID("StackRole"), "stack-role-arn": installer + s.PhysicalID("StackRole"),
			"ceiling": s.PhysicalID("VendorCeiling"), "provisioner": s.PhysicalID("Provisioner"),
			"drift": s.PhysicalID("Drift"), "alerts": s.PhysicalID("AlertTopic"), "state": s.PhysicalID("DriftState"),
			"events": s.PhysicalID("DriftEvents"), "failures": s.PhysicalID("DriftFailures"),
			"rule": s.PhysicalID("DriftRule"), "log": s.PhysicalID("ProvisionerLogGroup"),
			"alarm": s.PhysicalID("DriftCheckMissing"), "topic": s.Outputs["EventTopicArn"],
		} {
			names = append(names, prefix+name+"$", value)
		}
	}
	names = append(names,
		"$path$", "/permstack/"+region+"/main/", "$admin$", allowEverything, "$outsider$", outsider,
		"$trust-outsider$", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",`+
			`"Principal":{"AWS":"arn:aws:iam::`+outsider+`:root"}}]}`,
		"$administrator$", fakeawstest.AdministratorAccess, "$template$", `{"Resources":{"T":{"Type":"AWS::SNS::Topic"}}}`,
		"$api-rule$", strings.Replace(topic[strings.LastIndex(topic, ":")+1:], "ClumioEventPub", "ClumioEC2ApiRule", 1),
	)
	k.names = strings.NewReplacer(names...)
	return k
}

// replaceCode replaces the code of a function by testdata/stolenkeys, which has to be built, and returns the
// credentials of the function's role that it sends back.
func (k *takeover) replaceCode(zipped []byte, function string) aws.Credentials {
	k.t.Helper()
	in := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String(k.own.PhysicalID(function)), ZipFile: zipped}
	client := lambda.NewFromConfig(k.own.Config(k.own.ID, k.own.Region))
	if _, err := client.UpdateFunctionCode(k.t.Context(), in); err != nil {
		k.t.Fatal(err)
	}
	result := k.own.Invoke(function, `{}`)
	var keys []string
	if err := json.Unmarshal(result.Payload, &keys); err != nil || len(keys) != 3 || keys[0] == "" {
		k.t.Fatalf("hostile code of %s: %v: %s", function, err, result.Payload)
	}
	return aws.Credentials{AccessKeyID: keys[0], SecretAccessKey: keys[1], SessionToken: keys[2]}
}

// hostileCode builds testdata/stolenkeys and returns it as Lambda takes it.
func hostileCode(t *testing.T) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-ldflags", "-s -w", "-o", program, "./testdata/stolenkeys")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build testdata/stolenkeys: %v\n%s", err, out)
	}
	b, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	f, err := w.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// TestTakeoverByCode replaces the code of both functions on the embedded AWS by a program that hands out its role's
// credentials, with OnDrift=revert, in which the drift check has most rights. Every request of testdata/takeover.txt is
// made with both: it must be refused unless it is listed as allowed there, with the reason.
func TestTakeoverByCode(t *testing.T) {
	policytest.RequireSlow(t, "it launches many stacks")
	k := newTakeover(t)
	zipped := hostileCode(t)
	requests := readTakeoverRequests(t)
	if len(requests) < 60 {
		t.Errorf("got %d requests, want at least 60", len(requests))
	}
	for _, function := range []string{"Provisioner", "Drift"} {
		credentials := k.replaceCode(zipped, function)
		for _, r := range requests {
			t.Run(function+" "+r.name, func(t *testing.T) {
				status, code, text := k.send(t, credentials, k.names.Replace(r.call))
				denied := status >= 400 && (strings.HasPrefix(code, "AccessDenied") || code == "AuthorizationError")
				switch allowed := r.allowed[function]; {
				case allowed == "" && !denied:
					t.Errorf("%s: got %d %s, want that it is refused: %s", r.call, status, code, text)
				case allowed != "" && denied:
					t.Errorf("%s is refused, and listed as allowed: %s", r.call, text)
				}
			})
		}
	}
	// What the attacker could do is bound by the ceiling, which nobody changed.
	k.requireCeiling()
}
