package detect

import (
	"fmt"
	"strings"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/notify/finding"
)

// unknown stands in evaluated properties for what cannot be known: the value of
// a NoEcho parameter, an attribute that only CloudFormation has. A NUL is in no
// string of AWS.
const unknown = "\x00unknown"

// isUnknown tells whether a value holds something that cannot be known.
func isUnknown(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.Contains(v, unknown)
	case []any:
		for _, e := range v {
			if isUnknown(e) {
				return true
			}
		}
	case map[string]any:
		for k, e := range v {
			if strings.Contains(k, unknown) || isUnknown(e) {
				return true
			}
		}
	}
	return false
}

// resource is one resource of a stack: what is wanted and what was seen.
type resource struct {
	stack                      *stack
	logicalID, physicalID, typ string
	props                      map[string]any // wanted; nil where the template gives none
	problem                    error          // why there are none

	live      any        // what the live eye saw: *liveRole …; nil where it did not look
	seen      bool       // the live eye finished
	detection *detection // what CloudFormation saw; nil where it was not asked
}

// liveEye tells whether the live eye has something to compare.
func (r *resource) liveEye() bool {
	return !r.stack.waiting && r.props != nil && comparedLive(r.typ)
}

// comparedLive types have a live comparison.
func comparedLive(typ string) bool {
	switch typ {
	case typeRole, typeManagedPolicy, typeInstanceProfile, typeTopic, typeTopicInlinePolicy, typeTopicPolicy, typeRule:
		return true
	}
	return false
}

// visible tells whether any eye can see a resource of this type: custom
// resources, for one, no eye can.
func (r *resource) visible() bool {
	_, known := Detectable[r.typ]
	return known || comparedLive(r.typ)
}

// detectable tells whether CloudFormation can be asked about it.
func (r *resource) detectable() bool {
	_, known := Detectable[r.typ]
	return known && !r.stack.waiting
}

// reached tells whether every eye that can look has looked.
func (r *resource) reached() bool {
	if r.stack.waiting {
		return false
	}
	return (!r.liveEye() || r.seen) && (!r.detectable() || r.detection != nil && !awserr.IsContextDone(r.detection.err) && !awserr.IsStackBusy(r.detection.err))
}

func (r *resource) finding(kind finding.Kind, subject string, direction finding.Direction) draft {
	return draft{Finding: finding.Finding{
		Stack: r.stack.name, LogicalID: r.logicalID, PhysicalID: r.physicalID, Type: r.typ,
		Kind: kind, Subject: subject, Direction: direction,
	}}
}

// resolver answers Ref and Fn::GetAtt of a deployed stack's resources. Ref is
// the physical id; attributes are worked out where they follow from it.
type resolver struct {
	stack  *stack
	listed map[string]listed
}

func (v resolver) Ref(id string) (any, error) {
	if l, ok := v.listed[id]; ok {
		return l.physicalID, nil
	}
	return unknown, nil
}

func (v resolver) GetAtt(id, attribute string) (any, error) {
	l, ok := v.listed[id]
	if !ok {
		return unknown, nil
	}
	p := l.physicalID
	arn := func(service, region, rest string) string {
		parts := strings.SplitN(v.stack.id, ":", 6)
		if region != "" {
			region = parts[3]
		}
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", parts[1], service, region, parts[4], rest)
	}
	switch l.typ + "." + attribute {
	case typeRole + ".Arn":
		if path, ok := v.path(id); ok {
			return arn("iam", "", "role"+path+p), nil
		}
	case typeInstanceProfile + ".Arn":
		if path, ok := v.path(id); ok {
			return arn("iam", "", "instance-profile"+path+p), nil
		}
	case typeManagedPolicy + ".PolicyArn", typeTopic + ".TopicArn":
		return p, nil
	case typeTopic + ".TopicName":
		return p[strings.LastIndexByte(p, ':')+1:], nil
	case typeRule + ".Arn":
		return arn("events", "here", "rule/"+strings.ReplaceAll(p, "|", "/")), nil
	case "AWS::Lambda::Function.Arn":
		return arn("lambda", "here", "function:"+p), nil
	case "AWS::Logs::LogGroup.Arn":
		return arn("logs", "here", "log-group:"+p+":*"), nil
	case "AWS::SQS::Queue.Arn":
		return arn("sqs", "here", p[strings.LastIndexByte(p, '/')+1:]), nil
	case "AWS::SQS::Queue.QueueName":
		return p[strings.LastIndexByte(p, '/')+1:], nil
	case "AWS::SQS::Queue.QueueUrl":
		return p, nil
	case "AWS::CloudWatch::Alarm.Arn":
		return arn("cloudwatch", "here", "alarm:"+p), nil
	}
	return unknown, nil
}

// path is the Path that a resource declares, evaluated; "/" where it has none.
func (v resolver) path(id string) (string, bool) {
	props, err := v.stack.bound.Properties(id, onlyPath{})
	if err != nil {
		return "", false
	}
	path := text(props["Path"])
	if path == "" {
		path = "/"
	}
	return path, !isUnknown(path)
}

// onlyPath evaluates a resource without its neighbours, so that two roles that
// name one another do not go round in a circle.
type onlyPath struct{}

func (onlyPath) Ref(string) (any, error)            { return unknown, nil }
func (onlyPath) GetAtt(string, string) (any, error) { return unknown, nil }
