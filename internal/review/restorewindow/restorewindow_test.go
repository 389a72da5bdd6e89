package restorewindow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"permstack/internal/fakeaws/standalone"
	"permstack/internal/review/restorewindow"
)

const template = `{
  "Parameters": {
    "RestoreUntil": {"Type": "String", "Default": ""}, "MaxRestoreHours": {"Type": "Number", "Default": 8}
  },
  "Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}
}`

// TestClockOfAWS checks that windows are counted from AWS's clock, here ten days ahead of this machine's.
func TestClockOfAWS(t *testing.T) {
	ahead := 240 * time.Hour
	cloud, err := standalone.Start("127.0.0.1:0", standalone.Options{
		Clock: func() time.Time { return time.Now().Add(ahead) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	client := cloudformation.NewFromConfig(cloud.Config("123456789012", "eu-west-1"))
	for name, body := range map[string]string{
		"backup": template, "other": `{"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}`,
	} {
		if _, err := client.CreateStack(t.Context(), &cloudformation.CreateStackInput{
			StackName: &name, TemplateBody: &body,
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := cloud.Stacks.Wait(t.Context(), "123456789012", "eu-west-1", name); err != nil {
			t.Fatal(err)
		}
	}
	w, err := restorewindow.Read(t.Context(), client, "backup")
	if err != nil {
		t.Fatal(err)
	}
	if off := w.Now.Sub(time.Now().Add(ahead)).Abs(); off > time.Minute {
		t.Errorf("got time %v, which is %v from AWS's", w.Now, off)
	}
	if w.Longest != 8*time.Hour || !w.Until.IsZero() {
		t.Errorf("got %+v", w)
	}
	err = w.Open(t.Context(), time.Now().Add(time.Hour))
	if err == nil || !strings.Contains(err.Error(), "for AWS it is") {
		t.Errorf("a time that has passed for AWS: got error %v", err)
	}
	for name, want := range map[string]string{
		"other": "has no parameter RestoreUntil", "none": "does not exist",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := restorewindow.Read(t.Context(), client, name)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got error %v, want %q", err, want)
			}
		})
	}
}
