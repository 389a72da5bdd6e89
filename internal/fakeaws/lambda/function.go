// Package lambda is the Lambda of the embedded AWS: it holds functions and their
// settings, and runs them as processes with package lambdaruntime. CloudFormation
// creates functions through Go; Definition has the calls that read and change them,
// Handler serves Invoke.
//
// There are no layers' contents or container images. Event source mappings, function
// URLs, versions and aliases are stored without effect. Of a code signature only the
// existence is checked.
package lambda

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"permstack/internal/fakeaws/protocol"
)

// Limits of a function's settings, from the Lambda developer guide's quotas.
const (
	maxTimeout     = 900 // seconds
	minMemory      = 128
	maxMemory      = 10_240
	maxEnvironment = 4_096 // bytes of all variables together
	maxAsync       = 262_144
	maxSync        = 6_291_456
)

// Code is the location of a function's code, as in the template: a local path,
// as `sam` uses it, or an object in S3.
type Code struct {
	Path            string
	S3Bucket        string
	S3Key           string
	S3ObjectVersion string
	ZipFile         string
	// Zip is the object in S3 when the function was created or its code changed, or
	// nil if it was not read.
	Zip []byte
}

// CodeResolver returns the command to run for a function's code.
type CodeResolver func(code Code) (argv []string, dir string, env []string, err error)

// Function is a function's settings.
type Function struct {
	Account, Region string
	Name            string
	Role            string
	Handler         string
	Runtime         string
	Description     string
	Architectures   []string
	PackageType     string
	Code            Code
	Environment     map[string]string
	Timeout         int // seconds; 0 is 3
	MemoryMB        int // 0 is 128
	Reserved        *int
	CodeSigning     string // ARN of the code signing configuration; "" if there is none
	Tags            map[string]string
	LastModified    time.Time

	// AsyncRetries is MaximumRetryAttempts of the event invoke configuration;
	// nil is Lambda's default, 2.
	AsyncRetries *int
	AsyncMaxAge  int // MaximumEventAgeInSeconds, stored without effect
	// AsyncDestinations is DestinationConfig, stored without effect.
	AsyncDestinations map[string]any

	Permissions []Permission
	// Settings are members of the configuration without effect, such as Layers.
	Settings map[string]any
	Versions int               // number of published versions
	deleted  map[string]bool   // published versions that do not exist any more
	Aliases  map[string]string // versions by alias
	URLAuth  string            // AuthType of the function's URL; "" if there is none
}

// Permission is one statement of a function's policy.
type Permission struct {
	StatementID, Action, Principal, SourceARN, SourceAccount, EventSourceToken, PrincipalOrgID string
}

// ARN returns the function's ARN.
func (f *Function) ARN() string { return functionARN(f.Account, f.Region, f.Name) }

func functionARN(account, region, name string) string {
	return strings.Join([]string{"arn", protocol.Partition(region), "lambda", region, account, "function", name}, ":")
}

func (f *Function) clone() *Function {
	c := *f
	c.Permissions = slices.Clone(f.Permissions)
	return &c
}

var (
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

	rolePattern = regexp.MustCompile(`^arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)
)

// check sets defaults and refuses settings that Lambda refuses.
func (f *Function) check() error {
	if f.Timeout == 0 {
		f.Timeout = 3
	}
	if f.MemoryMB == 0 {
		f.MemoryMB = minMemory
	}
	bytes := 0
	for k, v := range f.Environment {
		if k == "_HANDLER" || strings.HasPrefix(k, "AWS_LAMBDA_") ||
			slices.Contains(
				[]string{
					"AWS_REGION",
					"AWS_DEFAULT_REGION",
					"AWS_ACCESS_KEY_ID",
					"AWS_SECRET_ACCESS_KEY",
					"AWS_SESSION_TOKEN",
					"LAMBDA_TASK_ROOT",
				},
				k,
			) {
			return protocol.Errorf(
				"InvalidParameterValueException",
				"Lambda was unable to configure your environment variables because the environment variables "+
					"you have provided contains reserved keys that are currently not supported for "+
					"modification. Reserved keys used in this request: %s",
				k,
			)
		}
		bytes += len(k) + len(v)
	}
	switch {
	case !namePattern.MatchString(f.Name):
		return invalid(
			"functionName",
			f.Name,
			"(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
		)
	case !rolePattern.MatchString(f.Role):
		return invalid("role", f.Role, "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+")
	case f.Timeout < 1 || f.Timeout > maxTimeout:
		return protocol.Errorf(
			"ValidationException",
			"1 validation error detected: Value '%d' at 'timeout' failed to satisfy constraint: Member must "+
				"have value less than or equal to %d",
			f.Timeout,
			maxTimeout,
		)
	case f.MemoryMB < minMemory || f.MemoryMB > maxMemory:
		return protocol.Errorf(
			"InvalidParameterValueException",
			"'MemorySize' value failed to satisfy constraint: Member must have value between %d and %d",
			minMemory,
			maxMemory,
		)
	case bytes > maxEnvironment:
		return protocol.Errorf(
			"InvalidParameterValueException",
			"Lambda was unable to configure your environment variables because the environment variables you "+
				"have provided exceeded the 4KB limit.",
		)
	case f.PackageType == "Image":
		return protocol.Errorf("InvalidParameterValueException", "permstack local does not run container images")
	}
	return nil
}

func invalid(member, value, pattern string) error {
	return protocol.Errorf(
		"ValidationException",
		"1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy "+
			"regular expression pattern: %s",
		value,
		member,
		pattern,
	)
}

func notFound(arn string) error {
	return protocol.Errorf("ResourceNotFoundException", "Function not found: %s", arn).WithStatus(404)
}

// LogGroup returns the name of the log group to which Lambda writes the function's output.
func (f *Function) LogGroup() string {
	if logging, ok := f.Settings["LoggingConfig"].(map[string]any); ok {
		if group, ok := logging["LogGroup"].(string); ok && group != "" {
			return group
		}
	}
	return "/aws/lambda/" + f.Name
}
