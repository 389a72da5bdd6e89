package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"permstack/internal/iampolicy/policytest"
)

// splitWords splits a command as a POSIX shell does, as far as permstack's commands need it: blanks, single quotes and
// escaped characters outside of them.
func splitWords(command string) ([]string, error) {
	var words []string
	var word strings.Builder
	started, quoted, escaped := false, false, false
	for _, r := range command {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case quoted && r == '\'':
			quoted = false
		case quoted:
			word.WriteRune(r)
		case r == '\'':
			quoted, started = true, true
		case r == '\\':
			escaped, started = true, true
		case r == ' ':
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		case strings.ContainsRune("\"$`&|;<>(){}*?[]#~!\n\t", r):
			return nil, fmt.Errorf("%q is not quoted in %s", r, command)
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted || escaped {
		return nil, fmt.Errorf("a quote is open in %s", command)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// awsClients are the clients of the services, by their names in the AWS CLI.
func awsClients(cfg aws.Config) map[string]any {
	return map[string]any{
		"cloudformation": cloudformation.NewFromConfig(cfg), "cloudwatch": cloudwatch.NewFromConfig(cfg),
		"events": eventbridge.NewFromConfig(cfg), "iam": iam.NewFromConfig(cfg), "kms": kms.NewFromConfig(cfg),
		"lambda": lambda.NewFromConfig(cfg), "sns": sns.NewFromConfig(cfg), "sqs": sqs.NewFromConfig(cfg),
		"ssm": ssm.NewFromConfig(cfg), "s3api": s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

// executed are the operations that the AWS CLI has executed.
var executed sync.Map

// useCLI reports whether the AWS CLI executes an operation: the first time, because it takes most of a second, or
// every time in a full run.
func useCLI(operation string) bool {
	_, again := executed.LoadOrStore(operation, true)
	return !again || policytest.Full()
}

// awsCommand executes a command of the AWS CLI: with the program that PERMSTACK_AWS_CLI names (see useCLI), or by the
// SDK's call with the options as the fields of its input, as the AWS CLI does. The endpoint is that of the program. It
// returns the output of the call, nil of the program.
func awsCommand(ctx context.Context, cfg aws.Config, endpoint, command string) (any, error) {
	words, err := splitWords(command)
	if err != nil {
		return nil, err
	}
	if len(words) < 3 || words[0] != "aws" {
		return nil, fmt.Errorf("not a command of the AWS CLI: %s", command)
	}
	if program := os.Getenv("PERMSTACK_AWS_CLI"); program != "" && useCLI(words[1]+" "+words[2]) {
		credentials, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return nil, err
		}
		// Version 1 of the AWS CLI ignores AWS_ENDPOINT_URL for SQS.
		cmd := exec.CommandContext(ctx, program, append(words[1:], "--endpoint-url", endpoint)...)
		cmd.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "AWS_DEFAULT_REGION=" + cfg.Region,
			"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %s", command, err, out)
		}
		return nil, nil
	}
	options, err := cliOptions(words[3:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	if region, ok := options["region"]; ok {
		cfg = cfg.Copy()
		cfg.Region = region[0]
		delete(options, "region")
	}
	client := awsClients(cfg)[words[1]]
	if client == nil {
		return nil, fmt.Errorf("%s: the AWS CLI has no service %s", command, words[1])
	}
	name := ""
	for part := range strings.SplitSeq(words[2], "-") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	method := reflect.ValueOf(client).MethodByName(name)
	if !method.IsValid() {
		return nil, fmt.Errorf("%s: service %s has no call %s", command, words[1], name)
	}
	in := reflect.New(method.Type().In(1).Elem())
	for option, values := range options {
		if err := setOption(in.Elem(), option, values); err != nil {
			return nil, fmt.Errorf("%s: --%s: %w", command, option, err)
		}
	}
	out := method.Call([]reflect.Value{reflect.ValueOf(ctx), in})
	if err, _ := out[1].Interface().(error); err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return out[0].Interface(), nil
}

// cliOptions returns the values of each option.
func cliOptions(words []string) (map[string][]string, error) {
	out := map[string][]string{}
	current := ""
	for _, w := range words {
		switch name, value, joined := strings.Cut(w, "="); {
		case strings.HasPrefix(w, "--") && joined:
			out[name[2:]], current = []string{value}, ""
		case strings.HasPrefix(w, "--"):
			current = w[2:]
			out[current] = []string{}
		case current == "" || strings.HasPrefix(w, "-"):
			return nil, fmt.Errorf("%q is not the value of an option", w)
		default:
			out[current] = append(out[current], w)
		}
	}
	return out, nil
}

// setOption sets the field of an input that an option names.
func setOption(in reflect.Value, option string, values []string) error {
	flag := "true"
	// The AWS CLI's names of parameters that its own options have (awscli, customizations/argrename.py).
	option = strings.Replace(option, "notification-endpoint", "endpoint", 1)
	name := strings.ReplaceAll(option, "-", "")
	field := func(name string) reflect.Value {
		return in.FieldByNameFunc(func(f string) bool { return strings.EqualFold(f, name) })
	}
	target := field(name)
	if negated, ok := strings.CutPrefix(name, "no"); !target.IsValid() && ok {
		target, flag = field(negated), "false"
	}
	if !target.IsValid() {
		return errors.New("the call has no such parameter")
	}
	value := strings.Join(values, " ")
	if len(values) == 0 {
		value = flag
	}
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		target = target.Elem()
	}
	switch {
	case target.Kind() == reflect.String:
		target.SetString(value)
	case target.Kind() == reflect.Int32:
		n, err := strconv.ParseInt(value, 10, 32)
		target.SetInt(n)
		return err
	case target.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(value)
		target.SetBool(b)
		return err
	case target.Type() == reflect.TypeFor[[]byte]():
		path, ok := strings.CutPrefix(value, "fileb://")
		if !ok {
			return errors.New("want fileb://")
		}
		data, err := os.ReadFile(path)
		target.SetBytes(data)
		return err
	case strings.HasPrefix(value, "[") || strings.HasPrefix(value, "{"):
		return json.Unmarshal([]byte(value), target.Addr().Interface())
	case target.Type() == reflect.TypeFor[[]string]():
		target.Set(reflect.ValueOf(values))
	case target.Kind() == reflect.Slice && target.Type().Elem().Kind() == reflect.String:
		for _, v := range values {
			target.Set(reflect.Append(target, reflect.ValueOf(v).Convert(target.Type().Elem())))
		}
	case target.Type() == reflect.TypeFor[map[string]string]():
		out := map[string]string{}
		for pair := range strings.SplitSeq(value, ",") {
			key, v, _ := strings.Cut(pair, "=")
			out[key] = v
		}
		target.Set(reflect.ValueOf(out))
	default:
		return fmt.Errorf("the test does not have values of type %s", target.Type())
	}
	return nil
}

// TestSplitWords checks the words of commands with every kind of quote that permstack writes.
func TestSplitWords(t *testing.T) {
	for command, want := range map[string][]string{
		"aws sns unsubscribe":             {"aws", "sns", "unsubscribe"},
		`a --b '{"c": "d"}' ''`:           {"a", "--b", `{"c": "d"}`, ""},
		`a 'it'\''s'`:                     {"a", "it's"},
		"permstack --set 'S=rate(1 day)'": {"permstack", "--set", "S=rate(1 day)"},
	} {
		got, err := splitWords(command)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v, want %q", command, got, err, want)
		}
	}
	for _, command := range []string{"a $HOME", "a 'b", "a; b", "a $(b)", "a > b"} {
		if got, err := splitWords(command); err == nil {
			t.Errorf("%s: got %q, want an error", command, got)
		}
	}
}
