package sandbox

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"permstack/internal/awsapi/awserr"
	"permstack/internal/awsapi/livestate"
	"permstack/internal/cfn/stacks"
)

// kind is what a leftover is.
type kind string

const (
	kindStack   kind = "stack"
	kindRole    kind = "role"
	kindPolicy  kind = "policy"
	kindProfile kind = "instance profile"
	kindTopic   kind = "topic"
	kindRule    kind = "event rule"
	kindQueue   kind = "queue"
	kindBucket  kind = "bucket"
)

// Leftover is a resource of a run.
type Leftover struct {
	kind kind
	name string
	id   string // ARN or URL, where calls need it
	run  string
}

// String returns the kind and the name.
func (l Leftover) String() string { return string(l.kind) + " " + l.name }

// finder lists one kind of resource.
type finder func(context.Context, aws.Config, Account) ([]Leftover, error)

// Find returns what runs have left in an account and Region, in the order in which it
// can be deleted. Stacks, topics, event rules, queues and buckets have the tag of a run;
// in IAM, where not every type has tags, the path counts.
func Find(ctx context.Context, cfg aws.Config, account Account) ([]Leftover, error) {
	return find(ctx, cfg, account)
}

func find(ctx context.Context, cfg aws.Config, account Account) ([]Leftover, error) {
	var out []Leftover
	for _, f := range []finder{
		findStacks, findProfiles, findRoles, findPolicies, findRules, findTopics, findQueues, findBuckets,
	} {
		found, err := f(ctx, cfg, account)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func findStacks(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	var parents, children []Leftover
	pages := cloudformation.NewDescribeStacksPaginator(cloudformation.NewFromConfig(cfg),
		&cloudformation.DescribeStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list stacks: %w", err)
		}
		for _, s := range page.Stacks {
			run := stacks.Tags(&s)[Tag]
			if run == "" {
				continue
			}
			l := Leftover{kindStack, aws.ToString(s.StackName), aws.ToString(s.StackId), run}
			if isParent(l) {
				parents = append(parents, l)
			} else {
				children = append(children, l)
			}
		}
	}
	return append(parents, children...), nil
}

// isParent reports whether a stack was launched by a run, and not by the function of
// such a stack.
func isParent(l Leftover) bool {
	return l.name == namePrefix+l.run || l.name == namePrefix+l.run+"-second"
}

// pathRun finds the run in an IAM path.
var pathRun = regexp.MustCompile(`^` + rootPath + `([0-9a-f]{6})(-vendor|-third-party)?/`)

func runAtPath(path string) string {
	if m := pathRun.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return ""
}

func findRoles(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	found, err := livestate.NewReader(cfg).Roles(ctx, rootPath)
	var out []Leftover
	for _, r := range found {
		if run := runAtPath(r.Path); run != "" {
			out = append(out, Leftover{kindRole, r.Name, r.ARN, run})
		}
	}
	return out, err
}

func findPolicies(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	found, err := livestate.NewReader(cfg).PolicyNames(ctx, rootPath)
	var out []Leftover
	for _, p := range found {
		if run := runAtPath(p.Path); run != "" {
			out = append(out, Leftover{kindPolicy, p.Name, p.ARN, run})
		}
	}
	return out, err
}

func findProfiles(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	found, err := livestate.NewReader(cfg).InstanceProfiles(ctx, rootPath)
	var out []Leftover
	for _, p := range found {
		if run := runAtPath(p.Path); run != "" {
			out = append(out, Leftover{kindProfile, p.Name, p.ARN, run})
		}
	}
	return out, err
}

func findRules(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	reader := livestate.NewReader(cfg)
	return findTagged(ctx, kindRule, reader.RuleNames, reader.RuleTags)
}

func findTopics(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	reader := livestate.NewReader(cfg)
	return findTagged(ctx, kindTopic, reader.TopicNames, reader.TopicTags)
}

// findTagged reads the tags of every resource of a kind, which the list does not
// contain, and returns the resources with the tag of a run.
func findTagged(
	ctx context.Context, k kind, list func(context.Context) ([]livestate.Name, error),
	readTags func(context.Context, string) (map[string]string, error),
) ([]Leftover, error) {
	found, err := list(ctx)
	if err != nil {
		return nil, err
	}
	var out []Leftover
	for _, n := range found {
		tags, err := readTags(ctx, n.ARN)
		if awserr.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if run, tagged := tags[Tag]; tagged {
			out = append(out, Leftover{k, n.Name, n.ARN, run})
		}
	}
	return out, nil
}

func findQueues(ctx context.Context, cfg aws.Config, _ Account) ([]Leftover, error) {
	var out []Leftover
	client := sqs.NewFromConfig(cfg)
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{
		QueueNamePrefix: aws.String(namePrefix), MaxResults: aws.Int32(1000), // without it there are no pages
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list queues: %w", err)
		}
		for _, url := range page.QueueUrls {
			tags, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: &url})
			if awserr.IsNotFound(err) { // SQS lists a deleted queue for a minute
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("read tags of queue %s: %w", url, err)
			}
			if run := tags.Tags[Tag]; run != "" {
				out = append(out, Leftover{kindQueue, url[strings.LastIndexByte(url, '/')+1:], url, run})
			}
		}
	}
	return out, nil
}

// findBuckets returns buckets with the tag, and those that a run created and could not
// tag any more: their name has the account and a run, they have no tags, and they are
// empty, because a run uploads nothing before the tag is set.
func findBuckets(ctx context.Context, cfg aws.Config, account Account) ([]Leftover, error) {
	name := regexp.MustCompile(`^` + bucketPrefix + account.ID + `-([0-9a-f]{6})-` + account.Region + `$`)
	var out []Leftover
	client := newS3(cfg)
	pages := s3.NewListBucketsPaginator(client, &s3.ListBucketsInput{Prefix: aws.String(bucketPrefix + account.ID)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
		for _, b := range page.Buckets {
			bucket := aws.ToString(b.Name)
			m := name.FindStringSubmatch(bucket)
			if m == nil {
				continue
			}
			tags, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &bucket})
			switch {
			case awserr.HasNoTags(err):
				objects, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, MaxKeys: aws.Int32(1)})
				if err != nil {
					return nil, fmt.Errorf("list objects of bucket %s: %w", bucket, err)
				}
				if len(objects.Contents) > 0 {
					continue
				}
				out = append(out, Leftover{kindBucket, bucket, bucket, m[1]})
				continue
			case awserr.IsNotFound(err):
				continue
			case err != nil:
				return nil, fmt.Errorf("read tags of bucket %s: %w", bucket, err)
			}
			for _, t := range tags.TagSet {
				if aws.ToString(t.Key) == Tag {
					out = append(out, Leftover{kindBucket, bucket, bucket, aws.ToString(t.Value)})
				}
			}
		}
	}
	return out, nil
}
