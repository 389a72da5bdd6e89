package fakeaws_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"permstack/internal/fakeaws"
	"permstack/internal/fakeaws/apitest"
)

// TestScenario runs the whole scenario on the embedded AWS, so that it is tested
// without moto too.
func TestScenario(t *testing.T) {
	ctx := context.Background()
	n := apitest.NewClients(fakeaws.New(fakeaws.Options{}).Config(fakeaws.DefaultAccount, apitest.Region))
	for _, s := range scenario(n) {
		_, err := s.call(ctx, n)
		var api smithy.APIError
		if errors.As(err, &api) && (api.ErrorCode() == "NotImplemented" || api.ErrorCode() == "InternalFailure") ||
			err != nil && api == nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// TestAgainstMoto compares the responses with those of moto, an independent
// implementation of AWS's APIs.
func TestAgainstMoto(t *testing.T) {
	program := os.Getenv("PERMSTACK_MOTO")
	if program == "" {
		t.Skip("skipped: PERMSTACK_MOTO is not set; build.sh test installs moto")
	}
	ctx := context.Background()
	endpoint := startMoto(t, program)
	ours := apitest.NewClients(fakeaws.New(fakeaws.Options{}).Config(fakeaws.DefaultAccount, apitest.Region))
	motos := apitest.NewClients(aws.Config{
		Region: apitest.Region, BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "x"}, nil
		}),
	})
	theirSteps := map[string]step{}
	for _, s := range scenario(motos) {
		theirSteps[s.name] = s
	}
	for _, s := range scenario(ours) {
		out, err := s.call(ctx, ours)
		theirOut, theirErr := theirSteps[s.name].call(ctx, motos)
		mine, theirs := normalise(t, out, err), normalise(t, theirOut, theirErr)
		if s.differs != "" {
			mine, theirs = map[string]any{"code": mine["code"]}, map[string]any{"code": theirs["code"]}
		}
		if diff := cmp.Diff(theirs, mine); diff != "" {
			t.Errorf("%s (-moto +fakeaws):\n%s", s.name, diff)
		}
	}
}

// startMoto runs moto on a free port and returns its endpoint.
func startMoto(t *testing.T, program string) string {
	t.Helper()
	command := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	command.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true")
	out := apitest.Must[io.ReadCloser](t)(command.StderrPipe())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, endpoint, ok := strings.Cut(lines.Text(), "Running on "); ok {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return strings.TrimSpace(endpoint)
		}
	}
	t.Fatal("moto ended without listening")
	return ""
}

var (
	someID   = regexp.MustCompile(`^(A[A-Z0-9]{15,}|[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-z]{20})$`)
	someSub  = regexp.MustCompile(`^(arn:aws:sns:.*:)[0-9a-f]{8}-[0-9a-f-]{27}$`)
	someTime = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
)

// normalise returns a response, or an error's code and message, as plain values
// that can be compared: ids, times and request ids blotted out, documents read.
func normalise(t *testing.T, out any, err error) map[string]any {
	t.Helper()
	if err != nil {
		var api smithy.APIError
		if !errors.As(err, &api) {
			t.Fatal(err)
		}
		return map[string]any{"code": api.ErrorCode(), "message": strings.TrimSuffix(api.ErrorMessage(), ".")}
	}
	var v any
	if err := json.Unmarshal(apitest.Must[[]byte](t)(json.Marshal(out)), &v); err != nil {
		t.Fatal(err)
	}
	return map[string]any{"code": "", "answer": plain(v)}
}

// plain removes empty values and masks values that differ from run to run.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "ResultMetadata")
		out := map[string]any{}
		for k, item := range v {
			if p := plain(item); p != nil {
				out[k] = p
			}
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case []any:
		var out []any
		for _, item := range v {
			out = append(out, plain(item))
		}
		if len(out) == 0 {
			return nil
		}
		return out
	case string:
		var document any
		if text, err := url.PathUnescape(v); err == nil && strings.HasPrefix(text, "{") &&
			json.Unmarshal([]byte(text), &document) == nil {
			return document
		}
		if someID.MatchString(v) {
			return "ID"
		}
		if sub := someSub.FindStringSubmatch(v); sub != nil {
			return sub[1] + "ID"
		}
		if someTime.MatchString(v) {
			return "TIME"
		}
		if v == "" {
			return nil
		}
	case float64:
		if v == 0 {
			return nil
		}
	case bool:
		if !v {
			return nil
		}
	}
	return v
}
