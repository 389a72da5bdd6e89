package notify

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// SNS is the part of the SDK's client that a Sender needs.
type SNS interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Sender publishes messages to a topic.
type Sender struct {
	Client   SNS
	TopicARN string
}

// Send publishes a message and returns its id.
func (s *Sender) Send(ctx context.Context, m Message) (id string, err error) {
	out, err := s.Client.Publish(ctx, m.Input(s.TopicARN))
	if err != nil {
		return "", fmt.Errorf("publish to topic %s: %w", s.TopicARN, err)
	}
	return aws.ToString(out.MessageId), nil
}
