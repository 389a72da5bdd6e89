package detect

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"permstack/internal/notify/finding"
)

// functionProperties are the properties of a function that GetFunction returns and
// that are compared.
var functionProperties = []string{
	"Code", "DeadLetterConfig", "Environment", "FileSystemConfigs", "Handler", "KmsKeyArn", "Layers", "LoggingConfig",
	"MemorySize", "ReservedConcurrentExecutions", "Role", "Runtime", "Timeout", "VpcConfig",
}

// codeSigning is the property with the function's code signing configuration, which has a call of its own.
const codeSigning = "CodeSigningConfigArn"

var lambdaFunction = &resourceType{
	name: "AWS::Lambda::Function",
	readHandler: []string{
		"lambda:GetFunction", "lambda:GetFunctionCodeSigningConfig",
	},
	attributes: map[string]attribute{"Arn": arnAttribute("lambda", "function:", "")},
	compared: append(slices.DeleteFunc(slices.Clone(functionProperties), func(p string) bool { return p == "Code" }),
		codeSigning),
	read: func(ctx context.Context, c *reader, m *model, r *resource) (liveState, readErrors) {
		if m.installation == nil || r.stack != m.installation || c.clients.Lambda == nil {
			return nil, nil // not a function of permstack
		}
		live := c.readFunction(ctx, r)
		return live, live.errs
	},
}

// functionFinding is the difference of one setting of a function.
func (r *resource) functionFinding(
	property, subject string, direction finding.Direction, expected, actual finding.Value,
) draft {
	return r.liveDraft(finding.FunctionChanged, property, subject, direction, expected, actual)
}

func (live *liveFunction) compare(m *model, r *resource) []draft {
	if live.missing {
		return []draft{r.deletedDraft()}
	}
	var out []draft
	if live.config != nil {
		out = append(out, live.compareCode(m, r)...)
		out = append(out, live.compareSettings(r)...)
		out = append(out, live.compareEnvironment(r)...)
	}
	if expected := r.props[codeSigning]; expected != nil && !isUnknown(expected) && !live.errs.unknown(codeSigning) &&
		text(expected) != live.signing {
		out = append(out, r.functionFinding(codeSigning, codeSigning, finding.GrantsMore, finding.Text(text(expected)),
			finding.Text(live.signing)))
	}
	if !live.errs.unknown("Policy") {
		expected := m.functionPolicy(r)
		if d, differs := m.documentDraft(r, finding.FunctionPolicyChanged, "Policy", "", expected,
			parseDocument(live.policy)); differs && !expected.unknown {
			out = append(out, d)
		}
	}
	for _, t := range live.triggers {
		d := r.liveDraft(finding.FunctionTriggerAdded, "Triggers", t.name, finding.GrantsMore, finding.None,
			finding.Text(t.name))
		d.RemovalID = t.id
		out = append(out, d)
	}
	if live.destinations != nil {
		out = append(out, live.compareDestinations(m, r)...)
	}
	return append(out, r.readErrorDrafts(live.errs)...)
}

// packageHash is the SHA-256 in the name of a published package.
var packageHash = regexp.MustCompile(`-([0-9a-f]{64})\.zip$`)

// expectedCode returns the hash in hexadecimal that the function's package should
// have: that of the release, or the one in the name of the package that the stack
// deployed. It is "" for code that was packaged otherwise.
func (m *model) expectedCode(r *resource) string {
	key := func(r *resource) string {
		code, _ := r.props["Code"].(map[string]any)
		return text(code["S3Key"])
	}
	if hash := m.release.Code[strings.TrimPrefix(key(r), "functions/")]; hash != "" {
		return hash
	}
	deployed := r
	for _, d := range r.stack.deployed {
		if d.logicalID == r.logicalID {
			deployed = d
		}
	}
	if match := packageHash.FindStringSubmatch(key(deployed)); match != nil {
		return match[1]
	}
	return ""
}

// codeHash returns the hash of the function's package in hexadecimal.
func (live *liveFunction) codeHash() string {
	sum, err := base64.StdEncoding.DecodeString(aws.ToString(live.config.CodeSha256))
	if err != nil {
		return aws.ToString(live.config.CodeSha256)
	}
	return hex.EncodeToString(sum)
}

func (live *liveFunction) compareCode(m *model, r *resource) []draft {
	expected, actual := m.expectedCode(r), live.codeHash()
	if expected == "" || expected == actual {
		return nil
	}
	return []draft{r.liveDraft(finding.FunctionCodeChanged, "Code", "", finding.GrantsMore,
		finding.Text("sha256 "+expected), finding.Text("sha256 "+actual))}
}

// Defaults of what a template does not declare (API reference, CreateFunction).
const (
	defaultTimeout = 3   // seconds
	defaultMemory  = 128 // MB
)

func (live *liveFunction) compareSettings(r *resource) []draft {
	c := live.config
	var out []draft
	compare := func(property string, direction finding.Direction, actual, without string) {
		expected := declaredText(r.props[property])
		if expected == "" {
			expected = without
		}
		if isUnknown(r.props[property]) || expected == actual {
			return
		}
		out = append(out, r.functionFinding(property, property, direction, finding.Text(expected), finding.Text(actual)))
	}
	compare("Role", finding.GrantsMore, aws.ToString(c.Role), "")
	compare("Handler", finding.GrantsMore, aws.ToString(c.Handler), "")
	compare("Runtime", finding.GrantsMore, string(c.Runtime), "")
	compare("Layers", finding.GrantsMore, strings.Join(layers(c.Layers), ","), "")
	compare("KmsKeyArn", finding.Monitoring, aws.ToString(c.KMSKeyArn), "")
	compare("Timeout", finding.Monitoring, number(c.Timeout), strconv.Itoa(defaultTimeout))
	compare("MemorySize", finding.Monitoring, number(c.MemorySize), strconv.Itoa(defaultMemory))
	compare("ReservedConcurrentExecutions", finding.Monitoring, number(live.reserved), "")
	if c.VpcConfig != nil {
		compare("VpcConfig", finding.Monitoring, strings.Join(c.VpcConfig.SubnetIds, ","), "")
	}
	if c.DeadLetterConfig != nil {
		compare("DeadLetterConfig", finding.GrantsMore, aws.ToString(c.DeadLetterConfig.TargetArn), "")
	}
	declared, _ := r.props["LoggingConfig"].(map[string]any)
	if c.LoggingConfig != nil && declared != nil && !isUnknown(declared) {
		before, now := loggingText(declared), loggingText(toJSON(c.LoggingConfig))
		if before != now {
			out = append(out, r.functionFinding("LoggingConfig", "LoggingConfig", finding.Monitoring, finding.Text(before),
				finding.Text(now)))
		}
	}
	var fileSystems []string
	for _, f := range c.FileSystemConfigs {
		fileSystems = append(fileSystems, aws.ToString(f.Arn))
	}
	compare("FileSystemConfigs", finding.GrantsMore, strings.Join(fileSystems, ","), "")
	return out
}

// loggingText returns a function's logging configuration as text. In JSON both levels are INFO by default, and as text
// there are none (API reference, LoggingConfig). The check's metrics are lines of its log: in JSON, or in another log
// group, CloudWatch does not extract them for the alarms.
func loggingText(config map[string]any) string {
	format := text(config["LogFormat"])
	out := []string{format, text(config["LogGroup"])}
	for _, name := range []string{"ApplicationLogLevel", "SystemLogLevel"} {
		level := text(config[name])
		if level == "" && format == string(types.LogFormatJson) {
			level = "INFO"
		}
		if level != "" {
			out = append(out, name+" "+level)
		}
	}
	return strings.Join(out, ", ")
}

// declaredText returns a declared value as text; a list separated by commas.
func declaredText(v any) string {
	if items, ok := v.([]any); ok {
		return strings.Join(texts(items), ",")
	}
	if v == nil {
		return ""
	}
	if _, ok := v.(map[string]any); ok {
		return jsonText(v)
	}
	return text(v)
}

func layers(list []types.Layer) []string {
	var out []string
	for _, l := range list {
		out = append(out, aws.ToString(l.Arn))
	}
	return out
}

func number(n *int32) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(int(*n))
}

// compareEnvironment compares the names and values of the variables. A variable that
// was added may make the function load other code or call another endpoint; the
// others are the settings of the check. Values are not reported.
func (live *liveFunction) compareEnvironment(r *resource) []draft {
	if isUnknown(r.props["Environment"]) {
		return nil
	}
	environment, _ := r.props["Environment"].(map[string]any)
	expected, _ := environment["Variables"].(map[string]any)
	actual := map[string]string{}
	if live.config.Environment != nil {
		actual = live.config.Environment.Variables
	}
	var out []draft
	add := func(name string, direction finding.Direction, before, now finding.Value) {
		d := r.functionFinding("Environment", name, direction, before, now)
		d.values = []string{digest(actual[name])}
		out = append(out, d)
	}
	for _, name := range sorted(actual) {
		if _, declared := expected[name]; !declared {
			add(name, finding.GrantsMore, finding.None, finding.Text("a value"))
		}
	}
	for _, name := range sorted(expected) {
		value, exists := actual[name]
		switch {
		case !exists && text(expected[name]) != "": // CloudFormation may leave out empty ones
			add(name, finding.Monitoring, finding.Text("a value"), finding.None)
		case exists && value != text(expected[name]):
			add(name, finding.Monitoring, finding.Text("a value"), finding.Text("another value"))
		}
	}
	return out
}

// functionPolicy returns the resource policy that the template's permissions of a
// function result in (Lambda Developer Guide, "Resource-based policies").
func (m *model) functionPolicy(r *resource) document {
	arn, _ := r.typ.attributes["Arn"](r.stack.references, r.logicalID, r.physicalID)
	var statements []any
	for _, p := range m.resources {
		name := text(p.props["FunctionName"])
		if p.typ != lambdaPermission || p.stack != r.stack || name != r.physicalID && name != arn {
			continue
		}
		statement := map[string]any{"Effect": "Allow", "Action": p.props["Action"], "Resource": arn}
		principal := text(p.props["Principal"])
		if strings.HasSuffix(strings.TrimSuffix(principal, ".cn"), ".amazonaws.com") {
			statement["Principal"] = map[string]any{"Service": principal}
		} else {
			statement["Principal"] = map[string]any{"AWS": principal}
		}
		conditions := map[string]any{}
		if source := p.props["SourceArn"]; source != nil {
			conditions["ArnLike"] = map[string]any{"AWS:SourceArn": source}
		}
		if source := p.props["SourceAccount"]; source != nil {
			conditions["StringEquals"] = map[string]any{"AWS:SourceAccount": source}
		}
		if len(conditions) > 0 {
			statement["Condition"] = conditions
		}
		statements = append(statements, statement)
	}
	if statements == nil {
		return document{}
	}
	return parseDocument(map[string]any{"Version": "2012-10-17", "Statement": statements})
}

// compareDestinations compares where the results of asynchronous invocations are
// sent.
func (live *liveFunction) compareDestinations(m *model, r *resource) []draft {
	arn, _ := r.typ.attributes["Arn"](r.stack.references, r.logicalID, r.physicalID)
	expected := map[string]string{}
	for _, p := range m.resources {
		name := text(p.props["FunctionName"])
		if p.typ != lambdaEventInvokeConfig || p.stack != r.stack || name != r.physicalID && name != arn {
			continue
		}
		config, _ := p.props["DestinationConfig"].(map[string]any)
		for _, event := range sorted(config) {
			destination, _ := config[event].(map[string]any)
			expected[event] = text(destination["Destination"])
		}
	}
	actual := map[string]string{}
	if d := live.destinations.OnSuccess; d != nil {
		actual["OnSuccess"] = aws.ToString(d.Destination)
	}
	if d := live.destinations.OnFailure; d != nil {
		actual["OnFailure"] = aws.ToString(d.Destination)
	}
	var out []draft
	for _, event := range []string{"OnFailure", "OnSuccess"} {
		if expected[event] == actual[event] || isUnknown(expected[event]) {
			continue
		}
		direction := finding.GrantsMore
		if actual[event] == "" {
			direction = finding.Monitoring
		}
		out = append(out, r.functionFinding("DestinationConfig", event, direction,
			finding.Text(expected[event]), finding.Text(actual[event])))
	}
	return out
}
