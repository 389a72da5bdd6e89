package events_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"permstack/internal/fakeaws/apitest"
)

// TestEventPatterns matches events with the examples of "Comparison operators for use in event patterns" (EventBridge
// User Guide), and with their opposites.
func TestEventPatterns(t *testing.T) {
	_, c := apitest.NewCloud(t)
	for _, tc := range []struct {
		name, pattern, detail string
		want                  bool
	}{
		{"exact", `{"detail":{"a":["x"]}}`, `{"a":"x"}`, true},
		{"exact no", `{"detail":{"a":["x"]}}`, `{"a":"y"}`, false},
		{"missing", `{"detail":{"a":["x"]}}`, `{"b":"x"}`, false},
		{"array in event", `{"detail":{"a":["x","z"]}}`, `{"a":["y","z"]}`, true},
		{"prefix", `{"detail":{"a":[{"prefix":"ab"}]}}`, `{"a":"abc"}`, true},
		{"prefix no", `{"detail":{"a":[{"prefix":"ab"}]}}`, `{"a":"xabc"}`, false},
		{"prefix ignore case", `{"detail":{"a":[{"prefix":{"equals-ignore-case":"AB"}}]}}`, `{"a":"abc"}`, true},
		{"suffix", `{"detail":{"a":[{"suffix":".png"}]}}`, `{"a":"x.png"}`, true},
		{"suffix ignore case", `{"detail":{"a":[{"suffix":{"equals-ignore-case":".PNG"}}]}}`, `{"a":"x.png"}`, true},
		{"suffix no", `{"detail":{"a":[{"suffix":".png"}]}}`, `{"a":"x.png2"}`, false},
		{"anything-but str", `{"detail":{"a":[{"anything-but":"x"}]}}`, `{"a":"y"}`, true},
		{"anything-but str no", `{"detail":{"a":[{"anything-but":"x"}]}}`, `{"a":"x"}`, false},
		{"anything-but missing", `{"detail":{"a":[{"anything-but":"x"}]}}`, `{"b":"x"}`, false},
		{"anything-but list", `{"detail":{"a":[{"anything-but":["x","y"]}]}}`, `{"a":"z"}`, true},
		{"anything-but number", `{"detail":{"a":[{"anything-but":[100,200]}]}}`, `{"a":300}`, true},
		{"anything-but number no", `{"detail":{"a":[{"anything-but":123}]}}`, `{"a":123}`, false},
		{"anything-but prefix", `{"detail":{"a":[{"anything-but":{"prefix":"i"}}]}}`, `{"a":"x"}`, true},
		{"anything-but prefix list", `{"detail":{"a":[{"anything-but":{"prefix":["i","j"]}}]}}`, `{"a":"jx"}`, false},
		{"anything-but suffix", `{"detail":{"a":[{"anything-but":{"suffix":".txt"}}]}}`, `{"a":"a.txt"}`, false},
		{
			"anything-but eic", `{"detail":{"a":[{"anything-but":{"equals-ignore-case":["INIT"]}}]}}`,
			`{"a":"init"}`, false,
		},
		{
			"anything-but wildcard", `{"detail":{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}}`,
			`{"a":"x/lib/y"}`, false,
		},
		{
			"anything-but wildcard list", `{"detail":{"a":[{"anything-but":{"wildcard":["*/lib/*","*/bin/*"]}}]}}`,
			`{"a":"x/y"}`, true,
		},
		{"anything-but array in event", `{"detail":{"a":[{"anything-but":"x"}]}}`, `{"a":["x","y"]}`, true},
		{"exists true", `{"detail":{"a":[{"exists":true}]}}`, `{"a":"y"}`, true},
		{"exists true null", `{"detail":{"a":[{"exists":true}]}}`, `{"a":null}`, true},
		{"exists true missing", `{"detail":{"a":[{"exists":true}]}}`, `{}`, false},
		{"exists false", `{"detail":{"a":[{"exists":false}]}}`, `{"b":1}`, true},
		{"exists false present", `{"detail":{"a":[{"exists":false}]}}`, `{"a":1}`, false},
		{"exists false parent missing", `{"detail":{"a":{"b":[{"exists":false}]}}}`, `{"c":1}`, true},
		{"exists false or value", `{"detail":{"a":[{"exists":false},"x"]}}`, `{"a":"x"}`, true},
		{"null", `{"detail":{"a":[null]}}`, `{"a":null}`, true},
		{"null missing", `{"detail":{"a":[null]}}`, `{}`, false},
		{"null vs empty", `{"detail":{"a":[""]}}`, `{"a":null}`, false},
		{"empty", `{"detail":{"a":[""]}}`, `{"a":""}`, true},
		{"numeric eq", `{"detail":{"a":[{"numeric":["=",301.8]}]}}`, `{"a":301.8}`, true},
		{"numeric range", `{"detail":{"a":[{"numeric":[">",0,"<=",5]}]}}`, `{"a":5}`, true},
		{"numeric range no", `{"detail":{"a":[{"numeric":[">",0,"<",5]}]}}`, `{"a":5}`, false},
		{"numeric string", `{"detail":{"a":[{"numeric":[">",0]}]}}`, `{"a":"5"}`, false},
		{"number exact", `{"detail":{"a":[300]}}`, `{"a":300}`, true},
		{"number vs string", `{"detail":{"a":["300"]}}`, `{"a":300}`, false},
		{"bool", `{"detail":{"a":[true]}}`, `{"a":true}`, true},
		{"bool vs string", `{"detail":{"a":["true"]}}`, `{"a":true}`, false},
		{"cidr", `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, `{"ip":"10.0.0.17"}`, true},
		{"cidr no", `{"detail":{"ip":[{"cidr":"10.0.0.0/24"}]}}`, `{"ip":"10.0.1.17"}`, false},
		{"cidr6", `{"detail":{"ip":[{"cidr":"2001:db8::/32"}]}}`, `{"ip":"2001:db8::1"}`, true},
		{"eic", `{"detail":{"a":[{"equals-ignore-case":"AbC"}]}}`, `{"a":"aBc"}`, true},
		{"wildcard", `{"detail":{"a":[{"wildcard":"dir/*.png"}]}}`, `{"a":"dir/x/y.png"}`, true},
		{"wildcard escaped", `{"detail":{"a":[{"wildcard":"a\\*b"}]}}`, `{"a":"a*b"}`, true},
		{"wildcard escaped no", `{"detail":{"a":[{"wildcard":"a\\*b"}]}}`, `{"a":"axb"}`, false},
		{"or", `{"detail":{"$or":[{"c":[{"numeric":[">",0]}]},{"d":[{"numeric":["<",10]}]}]}}`, `{"c":-1,"d":5}`, true},
		{"or none", `{"detail":{"$or":[{"c":["x"]},{"d":["y"]}]}}`, `{"c":"y","d":"x"}`, false},
		{"or and", `{"source":["s"],"$or":[{"detail-type":["u"]},{"detail":{"a":["x"]}}]}`, `{"a":"x"}`, true},
		{
			"or nested", `{"detail":{"a":["1"],"$or":[{"b":["2"]},{"c":{"$or":[{"d":["3"]},{"e":["4"]}]}}]}}`,
			`{"a":"1","c":{"e":"4"}}`, true,
		},
		{
			"array consistency", `{"detail":{"e":{"x":["1"],"y":["2"]}}}`,
			`{"e":[{"x":"1","y":"9"},{"x":"8","y":"2"}]}`, false,
		},
		{
			"array consistency yes", `{"detail":{"e":{"x":["1"],"y":["2"]}}}`,
			`{"e":[{"x":"1","y":"2"},{"x":"8","y":"9"}]}`, true,
		},
		{"region", `{"region":["us-east-1"]}`, `{}`, true},
		{"resources prefix", `{"resources":[{"prefix":"arn:aws:ec2"}]}`, `{}`, false},
		{"case", `{"detail":{"A":["x"]}}`, `{"a":"x"}`, false},
		{"two matchers", `{"detail":{"a":[{"prefix":"p"},{"suffix":"s"}]}}`, `{"a":"xs"}`, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			event := `{"version":"0","id":"1","detail-type":"t","source":"s","account":"111122223333",` +
				`"time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":` + tc.detail + `}`
			out := apitest.Must[*eventbridge.TestEventPatternOutput](t)(c.Events.TestEventPattern(context.Background(),
				&eventbridge.TestEventPatternInput{EventPattern: &tc.pattern, Event: &event}))
			if out.Result != tc.want {
				t.Errorf("%s on %s: got %v, want %v", tc.pattern, tc.detail, out.Result, tc.want)
			}
		})
	}
	_, err := c.Events.TestEventPattern(context.Background(), &eventbridge.TestEventPatternInput{
		EventPattern: aws.String(`{"source":["s"]}`), Event: aws.String(`{"source":"s"}`),
	})
	apitest.WantError(t, err, "ValidationException", "lacks the field id")
}

// TestInvalidPatterns puts rules whose patterns EventBridge's engine does not compile.
func TestInvalidPatterns(t *testing.T) {
	_, c := apitest.NewCloud(t)
	for name, pattern := range map[string]string{
		"not array":             `{"source":"s"}`,
		"empty array":           `{"source":[]}`,
		"not json":              `{source`,
		"unknown matcher":       `{"source":[{"foo":"x"}]}`,
		"numeric op":            `{"detail":{"a":[{"numeric":["!",5]}]}}`,
		"numeric order":         `{"detail":{"a":[{"numeric":["<",5,">",9]}]}}`,
		"exists str":            `{"detail":{"a":[{"exists":"true"}]}}`,
		"consecutive wildcards": `{"detail":{"a":[{"wildcard":"a**b"}]}}`,
		"prefix number":         `{"detail":{"a":[{"prefix":5}]}}`,
		"cidr bad":              `{"detail":{"a":[{"cidr":"10.0.0.0/99"}]}}`,
		"two in one":            `{"detail":{"a":[{"prefix":"a","suffix":"b"}]}}`,
		"empty object":          `{"detail":{}}`,
		"or one":                `{"detail":{"$or":[{"a":["x"]}]}}`,
		"top array":             `["a"]`,
		"empty pattern":         `{}`,
		"numeric range same":    `{"detail":{"a":[{"numeric":[">",5,"<",5]}]}}`,
		"anything-but empty":    `{"detail":{"a":[{"anything-but":[]}]}}`,
		"anything-but mixed":    `{"detail":{"a":[{"anything-but":["x",1]}]}}`,
		"wildcard escape":       `{"detail":{"a":[{"wildcard":"a\\b"}]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Events.PutRule(context.Background(), &eventbridge.PutRuleInput{
				Name: aws.String("r"), EventPattern: &pattern,
			})
			apitest.WantError(t, err, "InvalidEventPatternException", "")
		})
	}
}

// TestRefusedTargets puts targets that EventBridge refuses.
func TestRefusedTargets(t *testing.T) {
	b := newBus(t)
	transformer := func(path, template string) *ebtypes.InputTransformer {
		return &ebtypes.InputTransformer{InputPathsMap: map[string]string{"a": path}, InputTemplate: &template}
	}
	fifo, queue := aws.String("arn:aws:sqs:eu-west-1:111122223333:q.fifo"), aws.String(queueARN)
	for name, target := range map[string]ebtypes.Target{
		"placeholder without a path": {Arn: queue, InputTransformer: transformer("$.detail", `{"x": <b>}`)},
		"no JSON path":               {Arn: queue, InputTransformer: transformer("detail.x", `{"x": <a>}`)},
		"reserved name": {Arn: queue, InputTransformer: &ebtypes.InputTransformer{
			InputPathsMap: map[string]string{"AWS.a": "$.detail"}, InputTemplate: aws.String(`{"x": <AWS.a>}`),
		}},
		"no input path":            {Arn: queue, InputPath: aws.String("detail")},
		"FIFO queue without group": {Arn: fifo},
		"FIFO dead-letter queue":   {Arn: queue, DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: fifo}},
	} {
		t.Run(name, func(t *testing.T) {
			target.Id = aws.String("1")
			_, err := b.Events.PutTargets(context.Background(), &eventbridge.PutTargetsInput{
				Rule: aws.String("r"), Targets: []ebtypes.Target{target},
			})
			apitest.WantError(t, err, "ValidationException", "")
		})
	}
}
