package provisionerlambda

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"permstack/internal/provisioner/announcement"
)

// TestAnnouncer checks that changes of access are announced on the topic of the settings, and not at all without one.
func TestAnnouncer(t *testing.T) {
	const topic = "arn:aws:sns:eu-central-1:123456789012:alerts"
	for _, topicARN := range []string{"", topic} {
		t.Run(topicARN, func(t *testing.T) {
			got := newProvisioner(Settings{TopicARN: topicARN}, aws.Config{}, Options{}).Announcer
			if topicARN == "" {
				if got != nil {
					t.Errorf("got %v, want no announcer", got)
				}
				return
			}
			a, ok := got.(*announcement.Announcer)
			if !ok || a.Sender.TopicARN != topic {
				t.Errorf("got %v, want one for %s", got, topic)
			}
		})
	}
}

// TestStart starts the function outside Lambda: without its configuration the program ends with the reason, and with it
// Lambda's library requires the Runtime API.
func TestStart(t *testing.T) {
	const child = "PROVISIONER_STARTS"
	if os.Getenv(child) != "" {
		Start()
		return
	}
	for _, tc := range []struct{ region, want string }{
		{"", "read AWS configuration: AWS_REGION is not set; Lambda sets it for its functions"},
		{"eu-central-1", "AWS_LAMBDA_RUNTIME_API"},
	} {
		t.Run(tc.region, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^TestStart$")
			cmd.Env = append(os.Environ(), child+"=1", "AWS_REGION="+tc.region, "AWS_LAMBDA_RUNTIME_API=")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), tc.want) {
				t.Errorf("error %v, output %s; want %s", err, out, tc.want)
			}
		})
	}
}
