package remedy

import (
	"net/url"
	"strings"

	"permstack/internal/awsapi/region"
	"permstack/internal/notify/finding"
)

// Console returns the address of the resource of a finding in the console of its
// partition; of one that the console shows nowhere, or that does not exist, that of its
// stack. It is "" in partitions whose console is not public.
func Console(f finding.Finding, p Place) string {
	if p.Region == "" {
		p = NewPlace(f.PhysicalID)
	}
	partition, ok := region.Lookup(p.Region)
	if !ok || partition.Console == "" {
		return ""
	}
	return "https://" + p.Region + "." + partition.Console + "/" + path(f, p)
}

// escape escapes a value in the fragment of an address. The console decodes it once.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// path returns the path of a resource. AWS documents no such addresses; these are those
// that the console itself shows.
func path(f finding.Finding, p Place) string {
	id := f.PhysicalID
	service := func(name, fragment string) string { return name + "/home?region=" + p.Region + "#" + fragment }
	stack := func(name string) string { return service("cloudformation", "/stacks/events?stackId="+escape(name)) }
	if f.Kind == finding.ResourceDeleted || f.Kind == finding.NotReadable && f.LogicalID == "" {
		return stack(f.Stack)
	}
	switch f.Type {
	case "AWS::IAM::Role":
		return service("iam", "/roles/details/"+escape(lastPart(id, "/")))
	case "AWS::IAM::ManagedPolicy":
		return service("iam", "/policies/details/"+escape(id))
	case "AWS::SNS::Topic":
		return service("sns/v3", "/topic/"+strings.ReplaceAll(id, " ", "%20"))
	case "AWS::Events::Rule":
		bus, name, found := strings.Cut(id, "|")
		if !found {
			bus, name = "default", id
		}
		return service("events", "/eventbus/"+escape(bus)+"/rules/"+escape(name))
	case "AWS::Lambda::Function":
		return service("lambda", "/functions/"+escape(id))
	case "AWS::SQS::Queue":
		return service("sqs/v3", "/queues/"+escape(id))
	case "AWS::CloudWatch::Alarm":
		return service("cloudwatch", "alarmsV2:alarm/"+escape(id))
	case "AWS::Logs::LogGroup":
		// CloudWatch's pages escape the percent sign as $.
		name := strings.ReplaceAll(escape(escape(id)), "%", "$")
		return service("cloudwatch", "logsV2:log-groups/log-group/"+name)
	case "AWS::KMS::Key":
		return service("kms", "/kms/keys/"+escape(lastPart(id, "/")))
	case "AWS::S3::Bucket":
		return "s3/buckets/" + escape(id) + "?region=" + p.Region + "&tab=permissions"
	case "AWS::CloudFormation::Stack":
		switch {
		case f.Kind == finding.StateLost:
			return "systems-manager/parameters/" + escape(strings.TrimPrefix(f.Subject, "/")) +
				"/description?region=" + p.Region
		case strings.HasPrefix(id, "arn:"):
			return stack(id)
		}
	}
	return stack(f.Stack)
}

// lastPart returns the end of a text, after the last separator.
func lastPart(text, separator string) string { return text[strings.LastIndex(text, separator)+1:] }
